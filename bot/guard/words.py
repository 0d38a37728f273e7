"""What no text of a lender may say, by reason, in the languages of the line.

Latin words are written without accents, as patterns of whole words that begin with a letter;
Chinese ones as patterns of characters, simplified and traditional side by side. 15 USC 1692d and
1692e, 12 CFR 1006.14 and 1006.18; GB/T 45251-2025 for China.
"""

from __future__ import annotations

_KIN = (
    "family|families|wife|husband|spouse|partner|mother|father|mom|dad|parents?|son|daughter"
    "|children|kids|sister|brother|relatives?|employers?|boss|supervisor|job|work|workplace"
    "|colleagues?|co-?workers?|friends?|neighbou?rs?|landlord|references"
)
_PARIENTES = (
    "familia|familiares|espos[oa]|marido|mujer|pareja|padres?|madre|hij[oa]s?|herman[oa]s?"
    "|jef[ea]|patron|empleador|empresa|trabajo|oficina|companer[oa]s?|colegas?|amig[oa]s?"
    "|vecin[oa]s?|referencias|conocidos"
)

ENGLISH: dict[str, tuple[str, ...]] = {
    "threat": (
        *("or else", "no mercy", "watch your back", "last warning", "final warning"),
        *("serious consequences", "severe consequences", "dire consequences"),
        *("(?:face|suffer) (?:the |its |all )?consequences", "you have been warned"),
        *("you(?:'ll| will) (?:regret|be sorry|pay for)", "warning you", "warn you"),
        *("we know where you", "(?:find|hunt|hurt|harm|kill) you", "come (?:for|after) you"),
        *("(?:ruin|destroy|seize|freeze) your", "repossess\\w*", "foreclos\\w+", "evict\\w*"),
        "take (?:away )?your (?:house|home|car|property|belongings|children|kids)",
        "(?:lose|losing) your (?:house|home|car|job|children|kids)",
        "(?:come to|show up at|send \\w+ to) your (?:home|house|door|work|workplace|job)",
    ),
    "insult": (
        *("idiots?", "morons?", "stupid", "losers?", "deadbeats?", "scum(?:bag)?s?", "liars?"),
        *("thief", "thieves", "crooks?", "cheaters?", "lazy", "worthless", "pathetic", "bums?"),
        *("parasites?", "freeloaders?", "dumb", "irresponsible", "dishonest", "bastards?"),
        *("fuck\\w*", "shit\\w*", "bitch\\w*", "assholes?", "a disgrace"),
        "you(?:'re| are) (?:just )?a (?:criminal|fraud|joke|burden|fool)",
    ),
    "shame": (
        *("shame on", "ashamed", "shameful", "shameless", "embarrass\\w*", "humiliat\\w*"),
        *("disgraceful", "blacklist\\w*", "tell everyone", "name and shame", "expose you"),
        *("everyone (?:will|is going to) know", "post your (?:name|photo|picture)"),
        *("bad (?:person|parent|mother|father)", "decent people pay", "honest people pay"),
    ),
    "urgency": (
        *("act (?:now|today|fast|immediately)", "immediate (?:action|payment|attention|response)"),
        *("pay (?:now|today|at once),? or (?:else|we|face|it)", "pay immediately", "urgently"),
        *("urgent(?: |: ?)(?:notice|matter|action|message|payment|attention|response|reply)",),
        *("(?:final|last) (?:notice|chance|opportunity|demand|reminder|call)",),
        *("before it(?:'s| is) too late", "time is running out", "running out of time"),
        *(
            "hurry(?: up|[!,.])",
            "don'?t (?:delay|ignore)",
            "do not (?:delay|ignore)",
            "now or never",
        ),
        "(?:call|write|text|respond|reply)(?: to)? us (?:immediately|at once|right now)",
        "only \\d+ (?:hours?|minutes?) left",
    ),
    "lawsuit": (
        *("(?:will|to|shall|may|can|must|could|might|we'll|i'll|they'll) sue", "sue you"),
        *("sued", "suing", "sues", "lawsuits?", "litigat\\w+", "summons", "subpoena\\w*"),
        "legal (?:action|proceeding|measure|step|case|department|team|consequence|claim|charge"
        "|notice|trouble)s?",
        *("our (?:attorney|lawyer|solicitor|legal)s?", "(?:attorney|lawyer)s? (?:will|is|are)"),
        *("(?:in|to|the) court", "courts", "court (?:action|case|order|date|judge?ment|papers)"),
        *("before a judge", "judge?ment against", "liens?", "bailiffs?"),
    ),
    "arrest": (
        *("arrest\\w*", "police(?! report)", "jail\\w*", "prison\\w*", "warrants?", "felony"),
        "criminal (?:charge|case|record|complaint|proceeding|prosecution|offen[cs]e)s?",
        *("prosecut\\w+", "sheriffs?", "deport\\w*", "immigration", "behind bars"),
        *("law enforcement", "press(?:ing)? charges", "the authorities"),
    ),
    "garnish": (
        *("garnish\\w*", "levy", "levies", "your (?:wages|salary|paycheck) (?:will|can|may)"),
        "(?:deduct|take|withhold)\\w* (?:\\w+ ){0,3}your (?:wages?|salary|paycheck|benefits)",
    ),
    "third_party": (
        "(?:contact|call|tell|inform|notify|visit|text|message|email|phone|write to)(?:ing)?"
        f" your (?:{_KIN})",
        f"will (?:speak|talk|reach out) (?:to|with) your (?:{_KIN})",
        f"your (?:{_KIN}) (?:will|is going to|should) (?:know|hear|learn|find out|be told)",
    ),
}

SPANISH: dict[str, tuple[str, ...]] = {
    "threat": (
        *("se arrepentira\\w*", "te arrepentiras", "atengase a", "atente a las"),
        *("(?:graves|serias|severas) consecuencias", "consecuencias (?:graves|serias|severas)"),
        *("sabemos donde", "te va a ir mal", "le va a ir mal", "por las malas"),
        *(
            "pagar(?:a|as)? las consecuencias",
            "vamos a (?:encontrarl[eoa]|encontrarte|buscarte|perseguir\\w*)",
        ),
        *("queda(?:s)? advertid[oa]", "le advertimos", "te advertimos", "arruinar\\w* (?:su|tu)"),
        *("desaloj\\w+", "desahuci\\w+", "(?:iremos|ir|vamos) a (?:su|tu) (?:casa|domicilio)"),
        "(?:quitar|perder)\\w* (?:su|tu) (?:casa|coche|carro|auto|vivienda|trabajo|empleo)",
        "visit(?:ar|aremos|ara)\\w* (?:en |a )?(?:su|tu) (?:casa|domicilio|hogar)",
    ),
    "insult": (
        *("idiotas?", "imbecil(?:es)?", "estupid[oa]s?", "ladron(?:a|es|as)?", "rater[oa]s?"),
        *("estafador(?:a|es|as)?", "mentiros[oa]s?", "sinverguenzas?", "moros[oa]s?"),
        *("trampos[oa]s?", "irresponsables?", "caraduras?", "delincuentes?", "mierda"),
        *("pendej[oa]s?", "cabron(?:a|es|as)?", "put[oa]s?", "parasitos?", "mala paga"),
        *("muert[oa]s? de hambre", "tont[oa]s?"),
    ),
    "shame": (
        *("verguenza", "avergonz\\w+", "averguenz\\w+", "humill\\w+", "deshonr\\w+"),
        *("lista negra", "tod[oa]s (?:se enteraran|sabran|lo sabran)"),
        *("publicar\\w* (?:su|tu) (?:nombre|foto|deuda)", "mal[oa] (?:padre|madre|persona)"),
    ),
    "urgency": (
        *("actu[ea] (?:ya|ahora|hoy|rapido|de inmediato)", "(?:accion|respuesta) inmediata"),
        *("pag(?:ue|a) (?:ya|inmediatamente|de inmediato|ahora mismo|sin demora)",),
        *("pago inmediato", "inmediatamente o", "urgentemente", "no (?:lo )?ignore"),
        "(?:aviso|mensaje|asunto|pago|atencion) urgente",
        "ultim[oa] (?:oportunidad|aviso|llamado|recordatorio|advertencia|notificacion)",
        *("antes de que sea", "se (?:le|te) acaba el tiempo", "no espere mas"),
        "evite (?:consecuencias|problemas|acciones|medidas|un embargo)",
    ),
    "lawsuit": (
        *("demandar\\w*", "demandamos", "demandad[oa]s?", "una demanda", "querellas?"),
        *("demandas? (?:judicial|legal|civil|contra)\\w*", "citatorios?", "juez"),
        "(?:accion|medida|via|proceso|procedimiento|instancia)(?:e?s)?"
        " (?:legal|judicial|penal)(?:es)?",
        *("(?:un|a|al|en) juicio", "tribunal(?:es)?", "juzgados?", "nuestr[oa]s? abogad[oa]s?"),
        *("abogad[oa]s? (?:lo|la|le|te|se|va|van)", "despacho (?:juridico|de abogados)"),
        *("(?:area|departamento) (?:juridica|juridico|legal)", "requerimiento judicial"),
    ),
    "arrest": (
        *("policias?", "carcel(?:es)?", "prision", "arrest\\w+", "detenid[oa]s?", "detencion"),
        *("detenerl[oae]", "denunciaremos", "denunciarl[oae]", "denunciarte", "fiscalia"),
        *("orden de (?:arresto|aprehension|captura)", "un delito", "penalmente"),
        *("cargos (?:penales|criminales)", "deport(?:ar|ad|acion|are)\\w*", "las autoridades"),
    ),
    "garnish": (
        *("embargar\\w*", "embargad[oa]s?", "embargamos", "(?:un|el|de) embargo", "embargos"),
        *("embargo (?:de|a|judicial)", "confiscar\\w*", "incautar\\w*", "congelar\\w* (?:su|tu)s?"),
        "(?:descontar|retener)\\w* (?:\\w+ ){0,3}(?:su|tu) (?:salario|sueldo|nomina)",
    ),
    "third_party": (
        "(?:contact|llam|avis|inform|notific|visit)(?:ar|aremos|amos|ando)\\w* (?:a |con )?"
        f"(?:su|tu)s? (?:{_PARIENTES})",
        "(?:decir|diremos|decimos|escribir|hablar con|hablaremos con|contar)\\w* (?:a )?"
        f"(?:su|tu)s? (?:{_PARIENTES})",
        f"(?:su|tu)s? (?:{_PARIENTES}) (?:se enterara|lo sabra|sabra)n?",
    ),
}

_SETTLE = "[还還付缴繳清]"

CHINESE: dict[str, tuple[str, ...]] = {
    "threat": (
        *("后果自负", "後果自負", "后果[很会將将]{0,2}[严嚴]重", "後果[很會將将]{0,2}[严嚴]重"),
        *("严重[的]?后果", "嚴重[的]?後果", "走[着著]瞧", "等[着著]瞧", "[给給]你好看"),
        *("[别別]怪我[们們]", "休怪", "知道[你您](?:住|家|在哪)", "收拾你", "[让讓][你您]后悔"),
        "上[门門](?:催|找|拜[访訪]|要[债債]|[讨討][债債]|[处處]理|核[实實])",
        "(?:移交|委外|第三方)催收",
    ),
    "insult": (
        *(
            "老[赖賴]",
            "[无無][赖賴]",
            "[赖賴][账帐帳賬皮]",
            "[你您](?:就?是|[这這])个?個?大?[骗騙]子",
            "不要[脸臉]",
            "[无無][耻恥]",
        ),
        *("[废廢]物", "白[痴癡]", "混蛋", "王八蛋", "人渣", "[败敗][类類]", "傻[逼瓜子]", "去死"),
        *("畜生", "[滚滾]蛋", "欠[债債]不[还還]", "[没沒]良心", "蠢"),
    ),
    "shame": (
        *("[丢丟]人", "[丢丟][脸臉]", "羞[耻恥]", "可[耻恥]", "羞愧", "曝光", "公之[于於][众眾]"),
        *("身[败敗]名裂", "黑名[单單]", "失信(?:人|被|名[单單])"),
        "公[开開][你您]的(?:欠款|[债債][务務]|信息|資料|姓名|照片)",
        "[让讓](?:所有人|大家|[亲親]友)都?知道",
    ),
    "urgency": (
        "最[后後]一?次?(?:通牒|警告|[机機][会會]|期限|通知|提醒)",
        f"(?:立即|立刻|[马馬]上|即刻)(?:[将將][欠款]{{1,2}})?{_SETTLE}(?![费費]?方式)",
        *("刻不容[缓緩]", "十[万萬]火急", "[紧緊]急(?:通知|提醒|[处處]理|事[项項])"),
        *("[逾过過][期时時]不候", "限[时時](?:[还還]|[处處]理|付)", "限[你您]", "最[后後]通牒"),
        f"否[则則](?:[将將就]|[后後]果|我[们們])|再不{_SETTLE}|速[速]?[还還]",
    ),
    "lawsuit": (
        *(
            "起[诉訴]",
            "[诉訴][讼訟]",
            "提告",
            "控告",
            "告上",
            "法院",
            "法庭",
            "[传傳]票",
            "立案[侦偵调調追]",
        ),
        *("律[师師](?:函|信|[团團][队隊]|事[务務]所|[将將会會])", "我[们們]的?律[师師]", "司法"),
        "法[务務](?:部|人[员員]|[团團][队隊])",
        "法律(?:程序|手段|途[径徑]|[责責]任|行[动動]|制裁|追究|[后後]果|措施)",
        *("[强強]制[执執]行", "仲裁", "[开開]庭", "判[决決]", "被告", "支付令"),
    ),
    "arrest": (
        *("警察", "公安", "逮捕", "拘[留捕]", "坐牢", "[监監][狱獄]", "入[狱獄]", "刑事"),
        *("通[缉緝]", "抓[你您捕]", "犯罪", "[诈詐][骗騙欺]罪", "我[们們][会會将將]?[报報]警"),
        "限制(?:高|出境|消[费費])",
    ),
    "garnish": (
        "扣(?:除|[你您])?的?(?:工[资資]|薪)",
        "[冻凍][结結][你您]?的?(?:[账帐帳賬]?[户戶]|[银銀]行|[资資][产產]|[财財][产產]|存款)",
        *("查封", "扣押", "[没沒]收"),
    ),
    "third_party": (
        "(?:[联聯][系絡络繫]|通知|告知|告[诉訴]|致[电電]|打[电電][话話][给給]|打[给給]|拜[访訪]|走[访訪]|[骚騷][扰擾])到?[你您]?的?"
        "(?:家人|[亲親](?:友|[属屬]|戚)|家[属屬]|父母|爸[妈媽]|配偶|老公|老婆|妻子|丈夫|子女|孩子|[雇僱]主"
        "|老[板闆]|上司|同事|朋友|[邻鄰]居|[紧緊]急[联聯][系絡络]人|通[讯訊][录錄]|村委|居委)",
        "(?:[联聯][系絡络繫]|通知|告知|告[诉訴]|致[电電])[你您]的?(?:公司|[单單]位|[学學]校)",
        "爆通[讯訊][录錄]",
    ),
}

# A claim that is denied is none. Only such words may stand between the denial and the claim that
# change nothing of it: "If you don't pay, we sue" and "we won't hesitate to sue" deny nothing.
DENIED_LATIN = (
    "(?:never|not|cannot|nobody|no one|no|nor|nothing|neither|without|can't|won't|don't|doesn't"
    "|nunca|jamas|nadie|ningun|ninguna|nada|ni|sin|tampoco)"
    "(?:,? (?:ever|will|may|can|must|should|contact|call|tell|text|write|to|a|an|any|anyone"
    "|anybody|your|family|friends|employer|work|or|and|the|take|start|file|threaten|send|involve"
    "|with|about|do|be|of|need|feel|reason|sue|arrest|le|les|te|lo|la|se|va|vamos|a|con|su|sus|tu"
    "|tus|al|de|que|por|o|y|el|es|hay|puede|pueden|podra|debe|amenazar\\w*|contactamos|llamamos"
    "|avisamos|iniciamos|iremos|motivo|para))*"
    ",? $"
)
DENIED_HAN = (
    "(?<!不得)(?<!不能)(?:不[会會是]?|[没沒]有?|[无無]需?|[从從][来來]?不|[绝絕决決]不[会會]?|未[曾]?|[别別]|毋)"
    "(?:[会會去向对對因此]|因[为為]此?|任何|什[么麼]|可|好|值得|必|需要?|[联聯][系絡络繫]|通知|告知|打[扰擾]|[骚騷][扰擾]"
    "|[你您]的?|家人|[亲親]友|[雇僱]主|同事|朋友|或|和|、|是)*$"
)
