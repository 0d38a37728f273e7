"""Which of our languages a short message is written in, where it shows one.

Chinese is told by its characters and its script by those that only one script has; English and
Spanish by common words, SMS spellings and letter patterns. No model, no network.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass
from importlib import resources

MAX_CHARS = 1000
"""Only the beginning of a longer message is read."""


@dataclass(frozen=True)
class Language:
    """What a text shows of its language.

    `code` is "en", "es", "zh_Hans", "zh_Hant", or None where the text shows nothing (numbers,
    emoji, "ok"). Han text in which no character belongs to one script alone ("好", "我不是本人")
    is called "zh_Hans" and never `clear`. `clear` says that the text is long and plain enough to
    switch a person's stored language by it.
    """

    code: str | None
    clear: bool


NOTHING = Language(None, clear=False)

_CANTONESE = frozenset("嘅咗喺唔哋啲冇嚟佢乜嘢咁俾畀噉嗰啱攞搵睇喎囉喇㗎咩啫嘥攰冧孖嗌晒")
# OpenCC lists these as at home in both scripts; in a text message they are not.
_HANS_IN_PRACTICE = frozenset("么后几准干征于")
_HANT_IN_PRACTICE = frozenset("著於")

_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_OTHER_SCRIPT = re.compile("[\u3040-\u30ff\uac00-\ud7af\u0400-\u04ff\u0590-\u06ff\u0e00-\u0e7f]")
_NOT_WORDS = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|\S+\.(?:com|net|org|cn|es|mx)\S*")
_WORD = re.compile(r"[a-zñ]+(?:'[a-z]+)?")
_SPANISH_LETTERS = re.compile("[ñáéíóú¿¡]")
# Particles and pronouns that make a sentence Chinese, whatever English words it borrows.
_HAN_GRAMMAR = frozenset("我你您他的了吗嗎呢吧不要会會能是在还還给給这這那把被就都也跟和想可以")

# Common words of such messages, as phones write them: no accents, a phone's short forms.
_ENGLISH = """
2moro about account address after again agent ain't aint all alone already also am amount an and
another any anyone anything app are aren't arent as asap ask at automatic back bad balance bank
bc be because been before being bill bills boss btw but by call called calling came can can't
cant card cash cfpb check come comes could couldn't couldnt couple court credit cuz dad daughter
day days dead debt did didn't didnt die different do does doesn't doesnt don't done dont down
due each early email every everything extra family fee fees few fine first for fraud fri friday
from full gave get getting give go goes going gone gonna good got gotta great had half harassing
harassment has hasnt have haven't havent hello help here hey hi hospital how hows human husband
i i'd i'll i'm i've id idk if ill im in interest into is isn't isnt it it's its ive job just
keep kids kill know laid last late later lawyer leave less let lets life like link live living
loan loans lol long lost made make manager many may mean message messages might mine mom mon
monday money month months more most msg much must my myself nah name need never new next nope
not nothing now number of off office old on online only option options or other our out over owe
owed paid part parts pay payed paying payment payments people person phone please pls plz pmt
ppl question quit really report right rn robot said same sat saturday say scam second see send
sent shall she should sick since so some somebody someone something soon sorry speak still stop
sue sunday sure take talk tell text texting texts than thank thanks that that's thats the their
them then there these they thing things think this tho those though thru thu thursday thx till
time times tmr tmrow tmrw to today told tomorrow tonight too took tue tuesday txt u until up ur
us use used using very wait wanna want wants was wasn't wasnt way ways we we're website wed
wednesday week weeks wen were what what's whats when where which who who's whos why why're wife
will with without won't wont work working works would wouldnt wrong y'all yall yea yeah year yep
yes yesterday you you're your youre yours yup
"""
_SPANISH = """
abogado abre abren abrir acoso adios agente ahi ahora ahorita al algo alguien alli alta amiga
amigo antes aqui asesor asi ayer ayuda ayudame ayudar año años baja banco basta bendiciones bien
buen buena buenas bueno buenos cada calle cancelar cancelen cantidad casa cien cinco claro
cobrador cobran cobrando cobrar cobro comision como con conoce conozco convence correo cosa
cosas credito cual cuales cuando cuanta cuanto cuantos cuatro cuenta cuota cuotas dale dame dan
dar de deber debia debo decir deja dejar deje dejen del demanda demandar deme denme denuncia
denunciar depositar deposito desde despidieron despues deuda dia dias dice diez digo dijeron
dijo dinero direccion disculpe disculpen domingo donde dos doy efectivo el ella ellas ellos
empleo en enferma enfermo enlace enlaces entero entre enviar envie envien equivocado era eres es
esa ese eso esos espera esperar espere esperen esposa esposo esta estafa estan estas este esto
estos estoy factura familia favor feria fraude fue funciona funcionan gente gracias grax grcs ha
habia hace hacen hacer hago han hasta hay haya he hecho hice hija hijo hijos hola hoy humano ido
interes intereses ir jueves juicio ke la lana las le les liga listo llamada llamadas llaman
llamar llame llamen llamenme lo los luego lunes mal malo mama manana mandan mandar mandas mande
manden mandes martes mas matar mañana mejor menos mensaje mensajes mentira mes meses mi
miercoles mil mis misma mismo mismos mitad molestando molestar molesten momento monto morir msj
msjs mucha muchas mucho muchos muero muerto muy mñn nada nadie necesita necesito ni ningun
ninguna ninguno noches nomina nosotros nueva nueve nuevo numero numeros nunca ocho oficina ola
opcion opciones otra otro otros pa paga pagado pagan pagando pagar pagare pagarle pagarles
pagarlo pagina pago pagos pague papa para pare paren parte partes peor perdi perdon perfecto
pero persona plata plazo plazos poca poco pocos poder podria podrian por porfa porfavor porfis
porq porque pq prestamo primera pronto puede pueden puedo que quede queria quien quienes quiere
quieren quiero quince quincena quinientos quisiera quita rato recargo recibo reconozco resto
sabado sabe saber saldo saludos se segunda seis semana semanas senor senora senorita si siempre
siete sin sirve sirven sobre solo somos soy su sueldo sus tambien tampoco tarde tardes tarjeta
te telefono tener tengo tenia tenido tercera texto textos tiempo tienda tiene tienen toda todas
todavia todo todos trabajar trabajo transferencia transferir tres tu tus ud uds un una unas unos
usted ustedes va vale vamos van veces veinte verdad vez vida viernes vivir vivo voy xfa xq y ya
yo
"""
_ENGLISH_SHAPE = re.compile(
    r"n't$|'s$|ing$|[^aeiou]ed$|ght|ck|sh|th|wh|[^aeiou]ly$|tion|oo|ee|ww|w|k[a-z]|y$|pp|tt|ss|ff"
)
_SPANISH_SHAPE = re.compile(
    r"cion(?:es)?$|mente$|[ai]e?ndo$|[aei]r(?:me|les?|los?|las?|se)?$|[aei]mos$|[ai]d[oa]s?$"
    r"|[ai]ron$|[ai]ste$|[^aeou]i?a[ns]?$|[^o]os?$|^qu[ei]|ll[aeo]|[aeo]ba[ns]?$|ien|ue|[aei]re$"
)
# Said in both languages, or by machines: they show nothing.
_NEITHER = """
alipay am atm bizum dls dni eur haha he hk hospital hotel id ine info jaja jajaja lol mastercard
me mxn no nt ok okay oxxo paypal pin pm real rfc sms son spei start stop td total us usd venmo
visa wa wechat whatsapp zelle
"""


def detect(text: str) -> Language:
    """Return the language that the text shows, and whether it shows it clearly."""
    text = _NOT_WORDS.sub(" ", unicodedata.normalize("NFKC", text[:MAX_CHARS]).lower())
    han = _HAN.findall(text)
    words, english, spanish = _latin(text)
    if len(_OTHER_SCRIPT.findall(text)) > (len(han) + sum(map(len, words))) / 3:
        return NOTHING
    if han:
        weight = 2 + 0.5 * len(han) + sum(char in _HAN_GRAMMAR for char in han)
        if weight >= len(words) + abs(english - spanish) / 2:
            return _chinese(han, mixed=len(words) > len(han) / 2)
    margin = english - spanish
    if abs(margin) < 0.4:
        return NOTHING
    plain = not min(english, spanish) and abs(margin) >= max(3, len(words) / 2)
    return Language("en" if margin > 0 else "es", clear=plain and len(words) >= 4 and not han)


def _latin(text: str) -> tuple[list[str], float, float]:
    """Return the Latin words that can show a language, and what speaks for English and Spanish."""
    english, spanish = 0.0, 1.5 * min(2, len(_SPANISH_LETTERS.findall(text)))
    if not text.isascii():
        accented = unicodedata.normalize("NFD", text.replace("\u2019", "'").replace("ñ", "\0"))
        text = "".join(c for c in accented if not "\u0300" <= c <= "\u036f").replace("\0", "ñ")
    weights = _weights()
    words = [word for word in _WORD.findall(text) if len(word) > 1 or word in "iu"]
    words = [word for word in words if weights.get(word) != _SAYS_NOTHING]
    for word in words:
        weight = weights.get(word)
        if weight is None:
            weight = _BY_SHAPE * (
                bool(_ENGLISH_SHAPE.search(word)) - bool(_SPANISH_SHAPE.search(word))
            )
        if weight > 0:
            english += weight
        else:
            spanish -= weight
    return words, english, spanish


def _chinese(han: list[str], *, mixed: bool) -> Language:
    hans_only, hant_only = _scripts()
    hans = sum(char in hans_only for char in han)
    hant = sum(char in hant_only for char in han)
    if not hans:
        hant += sum(char in _CANTONESE for char in han)  # Canton writes it in Simplified script
    if not hans and not hant:
        return Language("zh_Hans", clear=False)
    code, marks, against = ("zh_Hant", hant, hans) if hant >= hans else ("zh_Hans", hans, hant)
    plain = not against and ((marks >= 2 and len(han) >= 4) or len(han) >= 6)
    return Language(code, clear=plain and not mixed)


_SAYS_NOTHING = 0.0
_BY_SHAPE = 0.4
"""What a word counts that only looks English or Spanish; a known one counts 1."""


@functools.cache
def _weights() -> dict[str, float]:
    """Return what each known word speaks for: English above zero, Spanish below."""
    english, spanish = set(_ENGLISH.split()), set(_SPANISH.split())
    weights = dict.fromkeys(english, 1.0) | dict.fromkeys(spanish, -1.0)
    return weights | dict.fromkeys((english & spanish).union(_NEITHER.split()), _SAYS_NOTHING)


@functools.cache
def _scripts() -> tuple[frozenset[str], frozenset[str]]:
    """Return the characters of Simplified and of Traditional script alone, from OpenCC's lists."""
    to_traditional, to_simplified = _forms("STCharacters"), _forms("TSCharacters")
    variants = {*_forms("TWVariants").values(), *_forms("HKVariants").values()}
    at_home = {char for forms in variants for char in forms}
    hans = {char for char, forms in to_traditional.items() if char not in forms} - at_home
    hant = {char for char, forms in to_simplified.items() if char not in forms}
    return (
        frozenset(hans - hant | _HANS_IN_PRACTICE) - _CANTONESE,
        frozenset(hant - hans | _HANT_IN_PRACTICE) - _CANTONESE,
    )


def _forms(name: str) -> dict[str, str]:
    """Return each character's forms in the other script, from one of OpenCC's own files."""
    path = resources.files("opencc") / "dictionary" / f"{name}.txt"
    lines = (line.partition("\t") for line in path.read_text("utf-8").splitlines())
    return {char: forms for char, _, forms in lines}
