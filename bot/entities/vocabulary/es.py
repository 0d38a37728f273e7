"""Spanish words, of Spain and of Latin America, with the spellings of text messages."""

GUARDED = """
a al bien come de del den dice dom e el en fin ha has he la las lo los mar me media medio mes
mil no o once pan par para plan por real set sin sobre sol soles son tan te ten todo total un
una uno vale van vez y
"""

WORDS = """
number 0: cero
number 1: uno
number 2: dos, un par, un par de, par de, ambos
number 3: tres
number 4: cuatro
number 5: cinco
number 6: seis
number 7: siete
number 8: ocho
number 9: nueve
number 10: diez
number 11: once
number 12: doce, una docena, docena
number 13: trece
number 14: catorce
number 15: quince
number 16: dieciseis
number 17: diecisiete
number 18: dieciocho
number 19: diecinueve
number 20: veinte
number 21: veintiuno
number 22: veintidos
number 23: veintitres
number 24: veinticuatro
number 25: veinticinco
number 26: veintiseis
number 27: veintisiete
number 28: veintiocho
number 29: veintinueve
number 30: treinta
number 40: cuarenta
number 50: cincuenta
number 60: sesenta
number 70: setenta
number 80: ochenta
number 90: noventa
number 200: doscientos, doscientas
number 300: trescientos, trescientas
number 400: cuatrocientos, cuatrocientas
number 500: quinientos, quinientas
number 600: seiscientos, seiscientas
number 700: setecientos, setecientas, sietecientos
number 800: ochocientos, ochocientas
number 900: novecientos, novecientas, nuevecientos
number 100: cien, ciento
scale 1000: mil
article: un, una, 1na
and: y
few: unos, unas, algunos, algunas, varios, varias, pocos, pocas, unos cuantos, cientos, miles,
    unos pocos, unas cuantas, cuantos, cuantas
half: medio, media
share 1/2: mitad, la mitad, la otra mitad, una mitad, mita, la mita
share 1/3: un tercio, una tercera parte, la tercera parte, tercera parte
share 2/3: dos tercios, dos terceras partes, 2 tercios
share 1/4: un cuarto, una cuarta parte, la cuarta parte
share 3/4: tres cuartos, tres cuartas partes
share 1/5: un quinto, una quinta parte, la quinta parte
share 2/5: dos quintos, dos quintas partes
share 3/5: tres quintos, tres quintas partes
share 4/5: cuatro quintos, cuatro quintas partes
share 1/10: un decimo, una decima parte, la decima parte
all: la totalidad, totalidad, deuda completa, deuda total, deuda entera, monto total,
    importe total, toda la deuda, todo lo que debo, todo el saldo, todo el monto, todo completo,
    el total, total de la deuda, todo junto, todo de una vez, todo de golpe, todo de una,
    importe completo, todo el prestamo, todo el importe, en su totalidad, el 100 %,
    cantidad completa, todo lo debido, todita, todito, por completo, todo lo pendiente,
    cantidad total, la cuenta completa
all_weak: todo, completo, completa, entero, entera
word: todo bien, sobre todo, ante todo, todo el dia, todo el tiempo, del todo, todo mi, de todo,
    con todo, todo esto, todo eso, todo lo, todo tipo, todo el mundo, todo el mes, todo el ano,
    a todo, todo esta, todo es, no todo, media hora, medio dia, mediodia, medio tiempo,
    media noche, media jornada, por medio, medio ambiente, en medio, que es todo, eso es todo,
    todo por, todo se, todo mal, todo claro, todo ok, la mitad de mi sueldo, mitad de precio,
    mitad del mes, mitad de mes, mitad de mi, mitad de la semana, que tal todo, como va todo,
    por todo
percent: %, por ciento, porciento
of_it: del saldo, de la deuda, del total, del monto, de lo que debo, del prestamo, del importe,
    de eso, del credito, de la cuota, del pago, de mi deuda
currency: $, us $, mx $, rd $, r $, s /, b / ., bs, usd, mxn, cop, clp, ars, pen, eur, €, gs, lps,
    euro, euros, peso, pesos, dolar, dolares, dls, dlls, varos, baros, varo, soles, sol, pavos,
    pavo, lempiras, quetzales, colones, bolivianos, guaranies, balboas, reales, bolos, dolars,
    pesitos, eurillos, mangos, duros, mn, m.n, euritos, dolaritos, dop, crc, gtq, hnl, pyg, uyu
pay: pagar, pago, paga, pagando, pagare, pagarle, pagarles, pagarlo, pagarte, page, abonar, abono,
    abonarle, abonarles, abonare, doy, dar, darle, darles, dare, mandar, mando, mandarle,
    mandarles, enviar, envio, depositar, deposito, depositarles, transferir, transfiero,
    transferirles, liquidar, liquido, saldar, cubrir, cubro, adelantar, adelanto, pongo, poner,
    juntar, junto, conseguir, consigo, les paso, pasar, paso, dejar, dejo, dejarles, cancelar,
    cancelo, pagas, ofrezco, ofrecer, ingreso, ingresar, hago un pago de, pago de, que tal,
    pagamos, pagaria, pagaremos, finiquitar, finiquito, aportar, empezar con, empiezo con,
    un pago de, un abono de, entregar, hacer un pago de, pagarla, pagarlos, liquidarlo,
    liquidarla, saldarlo, acepten, dando, aceptan, dejarlo, pago unico de
cue: tengo, tengo como, solo, solamente, como, aproximadamente, al menos, por lo menos, maximo,
    mas o menos, casi, debo, con, cerca de, alrededor de, minimo, me alcanza para, puedo con,
    ahora mismo solo, puros, apenas, de a, son, es, seria, serian, reuni, consegui, solos,
    sean, que sean
tail: por semana, por mes, por quincena, nada mas, nomas, es lo que tengo, es todo, en efectivo,
    de entrada, de enganche, de inicio, como maximo, por, que, sirve, sirven, bien, les parece,
    aprox, ahorrados, disponibles, porque, sin falta, sin problemas, sin fallar, mensuales,
    semanales, quincenales, mensual, semanal, sin falla
paid: pague, hice, mande, envie, deposite, transferi, abone, di, cobraron, ya pague, descontaron,
    pagamos ya, pagado, cargaron, quitaron, liquide, ya esta pagado, hize, hicimos, ingrese,
    realice, cancele, depositado, transferido, pase, hice un pago, hice el pago, hice pago,
    realice un pago, realice el pago, hice mi pago
lost: atrase, atrasamos, perdi, despidieron, fue, era, estuve, estaba, dijeron, llamaron, hable,
    murio, fallecio, falte, quede, recibi, pedi, llame, escribieron, mandaron, hablaron, empezo,
    cerraron, robaron, enferme, operaron, vencio, vencia, prometi, dije, quedamos, compre, saque,
    tuve, hackearon, dieron, corrieron, debito, debitaron, debitado, incendio, llevara, llevaron,
    salio, asaltaron, enfermo el, ya paso, hecha, hecho
will: voy a, va a, vamos a, puedo, podria, puede, quiero, quisiera, me pagan, cobro, me depositan,
    ire, tendre, hare, voy, necesito, deme, denme, dame, espero, entra, me cae, prometo, cobrare,
    recibo, podre, si me, me llega
will when: cuando, en cuanto, reciba, cobre, me paguen, me depositen
until: hasta, a mas tardar, para antes de, para, a partir de
rest: resto, restante, lo demas, lo que falta, lo restante, faltante, sobrante
from: del, en vez de, en lugar de, en vez del, en lugar del, vence, vencia el, vence el,
    quedamos en
ok: ok, si, por favor, porfa, porfavor, gracias, hola, buenas, buenos dias, bueno, claro, dale,
    vale, pues, listo, va, oye, oiga, sip, perfecto, buenas tardes, entonces, favor, esta bien,
    mejor, xfa, muchas gracias, sale, no hay problema, sin problema, no hay bronca, mil gracias
pronoun: yo, me, te, se, mi, nos, le, les, usted, ustedes, ella, su, tu, nosotros
asking: cuanto, cuanta, por que, xq, a cuanto, q tanto
stop: pero, aunque, sin embargo
day 0: hoy, oy, esta noche, esta tarde, hoy mismo, hoy dia, fin del dia, hoy por la tarde
day 1: manana, mnn, mnna, mnana, manna, mannana, manana mismo
day 2: pasado manana, pasadomanana, pasado mnn, pasado mnana, pasado manna
day month end: fin de mes, a fin de mes, fines de mes, final de mes, finales de mes, fin del mes,
    final del mes, finales del mes, ultimo dia del mes, findemes, ultimo del mes, ultimo de mes,
    fin de este mes, finales de este mes, ultimo dia de mes, cierre de mes, termino de mes,
    termine el mes, acabe el mes, acabar el mes, terminar el mes, final de este mes
day month start: primero de mes, primero del mes, el primero de mes, uno de mes,
    primer dia del mes, primero del proximo mes, primer dia de mes
day year end: fin de ano, final de ano, finales de ano, fin del ano, fines de ano
vague: ayer, anoche, antier, anteayer, antes de ayer, esta manana, el otro dia, por la manana,
    en la manana, de la manana, por las mananas, en las mananas, un dia, algun dia,
    un dia de estos, una vez, otra vez, a la vez, una vez que, un momento, un rato, un segundo,
    un minuto, un poco, un poquito, por ahora, hasta ahora, desde ahora, primera vez, segunda vez,
    a primera hora, viernes santo, viernes negro, de primera, en primer lugar, fin de semana,
    una vez a la semana, una vez por semana, una vez al mes, dia a dia, hoy en dia, a la manana,
    las mananas, la manana, primera necesidad, primer trabajo, esta misma manana, feliz lunes,
    feliz martes, feliz miercoles, feliz jueves, feliz viernes, feliz sabado, feliz domingo,
    buen lunes, buen viernes, buen domingo, buen sabado, bonito domingo, bonito lunes,
    bonito viernes, bonito sabado, feliz navidad, feliz ano nuevo
now: ahora, ahorita, ahora mismo, ahorita mismo, ya mismo, aora, orita, horita, en este momento,
    de inmediato, inmediatamente, en seguida, enseguida
ya: ya
weekday 0: lunes, lun
weekday 1: martes, mar
weekday 2: miercoles, mie, mier, miercole, miercoels
weekday 3: jueves, jue, juebes
weekday 4: viernes, vie, vier, biernes, vierns, virnes
weekday 5: sabado, sabados, sab, savado
weekday 6: domingo, domingos, dom
month 1: enero, ene
month 2: febrero, feb
month 3: marzo
month 4: abril, abr
month 5: mayo, may
month 6: junio, jun
month 7: julio, jul
month 8: agosto, ago
month 9: septiembre, setiembre, sep, sept, set
month 10: octubre, oct
month 11: noviembre, nov, nobiembre
month 12: diciembre, dic, disiembre
holiday 12-25: navidad
holiday 12-24: nochebuena, noche buena
holiday 1-1: ano nuevo
holiday 1-6: reyes, dia de reyes
next 0: proximo, proxima, siguiente, que viene, q viene, prox, que entra, entrante, prxima
this: este, esta, esa, ese
last: pasado, pasada, anterior, ultimos, ultimas, ultimo, ultima, pasados, pasadas
end: fin de, fines de, final de, finales de, ultimo dia de, a finales de, a fines de
in: en, dentro de, de aqui a, de aca a, en unos, en como, en otros, en menos de,
    en aproximadamente, despues de unos, al cabo de, en maximo
later: despues, mas tarde, a partir de hoy, desde hoy, a contar de hoy
the: la, los, las, de, lo, de la
el: el, al
unit 1: dia, dias, dia habil, dias habiles, dias naturales, diitas, diita, dias mas
unit 7: semana, semanas, sem, sems, semanita, semanitas, semna, semans
unit 15: quincenas
unit 30: mes, meses, mese, mesecito, mesesito
unit 365: ano, anos
term 7: ocho dias
hour: hora, horas, hrs, hs
quincena: quincena, la quincena, esta quincena, quinsena, mi quincena, dia de quincena
more: mas, otros, otras, adicional, adicionales, extra, extras, un poco mas, completos, enteros
ago: atras, de atraso, de retraso, de edad, de mora, vencidos, atrasado, de antiguedad
hace: hace, hace como, desde hace, llevo, hace mas de, hace casi, hace unos, lleva, tiene, cumplo,
    cumpli, por mas de, durante mas de, hacia
each: cada, a la, todos los, todas las, x
grace: plazo, prorroga, aplazar, posponer, esperar, esperen, extension
part: pagos, cuotas, plazos, partes, abonos, mensualidades, parcialidades, pagitos, exhibiciones,
    letras, quincenalidades, pagos iguales, partes iguales, msi, cuotas iguales, pagos mensuales,
    pagos quincenales, pagos semanales, tramos, cuotas mensuales, meses sin intereses, cuotitas,
    abonos iguales, entregas, pagos chicos, pagos pequenos, cuotas semanales, cuotas quincenales,
    armadas
split: dividir, dividirlo, partir, dividido, fraccionar, dividirla, divido, fraccionarlo,
    repartir, separar, dividimos, partirlo, dividan, diferir, diferirlo, repartirlo
time: veces, vez
rank 1: primero, primera, primer
rank 2: segundo, segunda
rank 3: tercero, tercera, tercer
rank 4: cuarto, cuarta
rank 5: quinto, quinta
rank 6: sexto, sexta
rank 7: septimo, septima
rank 8: octavo, octava
rank 9: noveno, novena
choice: opcion, numero, num, opsion, alternativa, opc, opciones, la opcion, el numero
choose: elijo, escojo, prefiero, me quedo con, me voy con, tomo, elegir, escoger, selecciono,
    marco, voy con, agarro
id: gafete, numero de empleado, prestamo, contrato, cuenta, referencia, folio, expediente, dni, nie,
    ine, curp, rfc, tarjeta, terminada en, terminacion, codigo, cp, postal, telefono, tel, celular,
    cel, movil, departamento, depto, piso, pedido, factura, ticket, cliente, nro, caso, articulo,
    cedula, nit, ruc, poliza, matricula, llamenme al, mi numero es, cci, clabe, credito,
    credito numero, seccion, puerta, habitacion, ley, nacido en, numero de cuenta,
    numero de contrato, numero de credito, numero de prestamo, naci, numero de folio,
    numero de cliente, con terminacion, que termina en, termina en, n °, n °.
street: calle, avenida, av, avda, colonia, barrio, calzada
rate: interes, intereses, tasa, descuento, quita, recargo, recargos, iva, comision, mora, anual,
    tae, cat, rebaja, rebajar, reducir, condonar, rebajen, condonen
at: a las, hasta las, desde las, a la una, a eso de las, como a las, tipo, despues de las,
    antes de las
clock: horas de la tarde, pm, am, de la tarde, de la noche, en punto
since: desde el, del ano, en el ano, el ano, desde
counter: minutos, minuto, hijos, ninos, trabajos, personas, mensajes, llamadas, anos de edad
no: no, nunca, tampoco, ni, sin, imposible, jamas
or: o, u
number 1000000: un millon
multiple 1000000: millon, millones
multiple 1000: lucas, luca
to 1: a
all now: pago total, pago completo, saldo completo, monto completo, saldo total
before: antes, antes de
another: otro, otra
"""
