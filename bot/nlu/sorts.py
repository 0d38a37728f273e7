"""Which sort of its kind a message is, told by plain words: of dispute, of payment, of trouble.

The classifier says what a message is about. What it says of that matters only inside a flow, which
asks where no words here tell it; so a pattern need not be complete, but must not be wrong.

All patterns read what ``normalise.for_sparse`` leaves: lower case, no accents, Simplified Chinese.
"""

from __future__ import annotations

import re
from functools import cache

from bot.nlu.normalise import for_sparse

Table = tuple[tuple[str, str], ...]
"""Sort and pattern; the first that is found decides."""

_DISPUTES: Table = (
    (
        "fraud",
        r"\bfraud\w*|\bidentity (?:was |got |has been )?(?:theft|stolen)"
        r"|\bst[eo]len? (?:my )?identity"
        r"|\bstole my\b|\bidentity thef|\b(?:used|opened|took|got|applied)\b.{0,25}\b(?:my|his"
        r"|her) "
        r"(?:name|ssn|social|info\w*|id|details|identity)\b|\bin my name\b.{0,30}\b(?:without"
        r"|never)"
        r"|\b(?:hacked|impersonat\w+|forged)\b"
        r"|\bfraude\w*|\brobo de identidad|\brobaron (?:la|mi|mis) (?:identidad|datos|documentos?"
        r"|ine"
        r"|dni|cartera)|\bsuplant\w+|\busurp\w+|\bfalsific\w+|\bclonaron"
        r"|\b(?:uso|usaron|saco|sacaron|pidio|pidieron)\b.{0,25}\bmi (?:nombre|identidad|ine|dni|"
        r"curp|cedula)|\ba mi nombre sin\b"
        r"|诈骗|欺诈|盗用|冒用|冒名|被骗贷|身份证被|身份被|盗贷|用我(?:的)?(?:身份|名字|名义|名)"
        r"|伪造|我个名借",
    ),
    (
        "wrong_amount",
        r"\b(?:amount|balance|total|figure|sum|fees?|interest|charges?|numbers?|math|payment"
        r"|bill)\b"
        r".{0,25}\b(?:wrong|incorrect|not right|isn'?t right|off|mistake|errors?|doesn'?t add"
        r"|not correct)\b|\bwrong (?:amount|balance|total|figure|sum|fee|number on)"
        r"|\bover ?charg\w*|\bcharged? (?:me )?(?:twice|double|extra|too much|again)"
        r"|\b(?:that|so|this|too) much\b|\bdo(?:es)?n'?t add up|\bdouble[- ]?(?:charg|bill)\w*"
        r"|\bonly (?:owe|borrowed|owed)\b|\bnever agreed\b"
        r"|\b(?:monto|saldo|cantidad|importe|interes\w*|cargos?|comision\w*|cuenta|cifra|total"
        r"|recargos?|cuota)\b.{0,30}\b(?:mal|incorrect\w*|equivocad\w*|error\w*|no coincide"
        r"|no cuadra\w*|no es correct\w*|no corresponde|no (?:es|era) lo)"
        r"|\bcobra\w* (?:\w+ )?(?:de mas|demas|doble|dos veces|extra)|\bno (?:debo|es) tanto"
        r"|\bno cuadra|\b(?:solo|nada mas) debo\b|\bme cobraron mal"
        r"|(?:金额|数额|数目|利息|费用|余额|账单|手续费|滞纳金|本金|罚息|款项|条数"
        r"|欠款)[^,。!?]{0,8}"
        r"(?:不对|唔[对啱]|错|有误|不符|不一样|有问题|多了|计错)|(?:多|乱|重复)(?:收|扣|算|计)|算错"
        r"|计错|哪来的?[^,。]{0,4}(?:费|金|息)|没[有]?欠这么多|冇[欠争]咁多|只[借欠]了?\d",
    ),
    (
        "paid",
        r"\b(?:already|have|had|i'?ve|was|been|i) (?:been )?(?:paid"
        r"|payed)\b(?! (?:off )?(?:too much))"
        r"|\bpaid (?:it|this|that|in full|off|already|everything)\b|\bsettled (?:it|this|that"
        r"|years)"
        r"|\bya (?:lo |la |esta |le )?(?:pagu\w*|pagad\w+|liquid\w+|salde|cancele)\b|\bya pague"
        r"|\bliquidad\w+\b|(?:已经?|早就?|都|明明)(?:还|付|交|缴|结)(?:过|了|清|完)|还清了|付清"
        r"|结清了"
        r"|找晒|俾咗|还咗",
    ),
    (
        "not_mine",
        r"\b(?:not|isn'?t|aint|ain'?t|wasn'?t) (?:my|mine|me who)\b|\bnever (?:took|had|got|signed"
        r"|applied|borrowed|opened|asked|heard|made|received|requested|have)\b|\bdid ?n[o']?t "
        r"(?:take|sign|apply|borrow|open|ask|request|get)\b|\bdon'?t (?:recogni[sz]e"
        r"|know (?:about )?"
        r"(?:this|that|any))|\bno idea what (?:this|loan|debt)|\bdon'?t (?:owe|have) (?:you |any|a "
        r"loan|this)|\bhave no loan"
        r"|\bno (?:reconozco|es mi[oa]?\b|es mi deuda|tengo (?:ningun|deuda|credito|prestamo))"
        r"|\b(?:nunca|jamas) (?:he |les |les he )?(?:ped\w+|saque|sacado|solicit\w+|tuve|tenido"
        r"|firm\w+|contrat\w+)|\byo no (?:ped\w+|saque|solicit\w+|debo|firme|fui)"
        r"|\bno (?:les )?debo "
        r"nada"
        r"|不是我(?:的|借|贷|欠|办|申请)|(?:没|没有|从没|从来没|从未|未曾|冇"
        r"|无)(?:有)?(?:在[^,。]{0,6})?"
        r"(?:借|贷|申请|办|签|欠)过?|唔系我|不认识这|不知道这笔|没有这笔",
    ),
)
_MEANS: Table = (
    (
        "wallet",
        r"\b(?:ali ?pay|we ?chat|apple pay|google pay|pay ?pal|cash ?app|venmo|mercado ?pago|bizum"
        r"|fps|payme|line ?pay|octopus|nequi|yape)\b|支付宝|微信|街口|转数快|云闪付|八达通|悠游付",
    ),
    (
        "transfer",
        r"\b(?:transfer\w*|transf\w*|wire\w*|zelle|ach|spei|deposit\w*|bank|banco|clabe|cbu)\b"
        r"|转账|汇款|汇了|转了|打款|网银|银行|过数|入数|atm|存入",
    ),
    (
        "cash",
        r"\b(?:cash|efectivo|oxxo|store|branch|office|sucursal|tienda|ventanilla|counter|teller"
        r"|7[- ]?eleven|walmart|money order|giro)\b|现金|门店|柜台|柜面|超商|便利店|营业厅|分行"
        r"|亲自",
    ),
    (
        "card",
        r"\b(?:card|debit|visa|mastercard|amex|link|online|website|app|tarjeta|enlace|liga|web)\b"
        r"|刷卡|信用卡|借记卡|银行卡|链接|连结|网上|在线|线上|app",
    ),
)
_TROUBLES: Table = (
    (
        "bereavement",
        r"\b(?:died|passed away|passed on|funeral|death of|lost my (?:mom|mum|mother|dad|father"
        r"|husband|wife|son|daughter|brother|sister|baby|child|partner|grand\w+)|widow\w*)\b"
        r"|\b(?:fallec\w+|murio|se (?:me )?murio|funeral\w*|velorio|entierro|viud[ao]|luto)\b"
        r"|去世|过世|过身|走了之后|葬礼|丧事|办丧|奔丧|病逝|离世|死了(?!算)",
    ),
    (
        "illness",
        r"\b(?:hospital\w*|surg\w+|cancer|chemo\w*|dialysis|sick\w*|illness|ill|disab\w+|injur\w+"
        r"|accident|stroke|heart attack|covid|medical|pregnan\w*|broke my|er bill|icu|diagnos\w+)\b"
        r"|\b(?:hospital\w*|internad\w+|operaron|operacion|cirugia|cancer|quimio\w*|enferm\w+"
        r"|accidente|infarto|dialisis|discapacid\w+|lesion\w*|embaraz\w+|medic[oa]s?"
        r"|diagnostic\w+)\b"
        r"|住院|生病|手术|开刀|癌|化疗|透析|车祸|受伤|重病|大病|病了|骨折|中风|怀孕|医药费|医院"
        r"|残疾|入院",
    ),
    (
        "disaster",
        r"\b(?:flood\w*|hurricane|tornado|wildfire|house fire|earthquake|burn(?:ed|t) down"
        r"|evacuat\w+"
        r"|storm|disaster|mudslide)\b|\b(?:inund\w+|huracan|terremoto|sismo|incendi\w+|se quemo"
        r"|temblor|ciclon|dana|desastre|derrumb\w+|tormenta)\b"
        r"|洪水|水灾|淹|台风|地震|火灾|着火|烧了|风灾|灾|暴雨|泥石流|打风",
    ),
    (
        "work",
        r"\b(?:lost (?:my|the) job|laid ?off|fired|unemploy\w*|no (?:job|work)|out of work"
        r"|furlough\w*"
        r"|hours (?:were |got )?cut|cut my hours|let (?:me )?go|my job|went under"
        r"|business closed)\b"
        r"|\b(?:sin (?:trabajo|empleo|chamba)|desemple\w+|despid\w+|corrieron|quede sin"
        r"|perdi (?:mi|el)"
        r" (?:trabajo|empleo)|en (?:el )?paro|cerro la empresa)\b"
        r"|失业|下岗|裁员|被裁|没工作|没有工作|丢了工作|炒鱿|停工|倒闭|冇工|开除|没工开|被辞"
        r"|失咗业",
    ),
)
_COMPLAINTS: Table = (
    (
        "others",
        r"\bmy (?:boss|work\w*|job|employer|family|mom|mum|mother|dad|father|wife|husband|sister"
        r"|brother|friends?|neighbou?rs?|kids?|coworkers?|roommate)\b|\bmi (?:jefe|trabajo|familia"
        r"|mama|papa|esposa|esposo|hermana|hermano|vecin\w+|hijos?|hija|suegra)\b"
        r"|公司|单位|同事|老板|家人|父母|爸|妈|朋友|邻居|通讯录|亲戚|上司|屋企人",
    ),
    (
        "hours",
        r"\b(?:night|midnight|morning|weekends?|sundays?|[1-9] ?[ap]m|late|early)\b|\b(?:noche|"
        r"madrugada|domingos?|temprano|tarde)\b|半夜|深夜|凌晨|晚上|早上|周末|星期天|节假日",
    ),
    (
        "privacy",
        r"\b(?:privacy|private|personal (?:data|info\w*)|data)\b|\b(?:privacidad|datos|privad\w+)\b"
        r"|隐私|个人信息|个资|泄露|资料",
    ),
    (
        "harassment",
        r"\bharas\w*|\bthreat\w*|\brude\b|\binsult\w*|\babus\w+|\bacos\w+|\bhostig\w+|\bamenaz\w+"
        r"|\bgroser\w+|骚扰|威胁|恐吓|辱骂|骂|恶劣|态度|滋扰|暴力催收",
    ),
)
_DIED = re.compile(
    r"\b(?:died|dead|passed away|passed on|deceased|passing|late (?:husband|wife|father|mother)"
    r"|no longer (?:with us|alive)|fallec\w+|murio|difunt\w+|ya no (?:esta|vive)|en paz descanse"
    r"|qepd)\b|去世|过世|过身|不在了|死了|走了|病逝|离世|往生|唔喺度|已故"
)
_CASE = re.compile(
    r"\b[dpc]-\d{5}\b|(?<!in )\b(?:my|the) (?:case|dispute|complaint|claim)\b(?!.{0,12}\b(?:is|was)"
    r" (?:not|wrong|false))|\bcase (?:number|status|no)\b"
    r"|(?<!en )\b(?:mi|del|el|la) (?:caso|reclamo|queja|reclamacion|disputa|aclaracion)\b"
    r"|\bnumero de caso\b"
    r"|(?:我的?|个|那个|这个|该)?(?:案件|申诉|投诉|异议|个案|案子|工单|争议)[^,。]{0,6}?(?:怎么样"
    r"|怎样|结果|进度"
    r"|进展|处理|如何|点样|点呀|回复|答复|到哪|查|成点|消息|编号)|案件编号|案号"
)
_ASKS = re.compile(
    r"\?|\b(?:what|how|when|any|news|status|update\w*|happen\w*|where|heard|hear|still|progress"
    r"|check\w*|follow\w*|number)\b|\b(?:que (?:paso|hay|va)|como va|en que|cuando|cual"
    r"|alguna|noticias|novedad\w*|estado|sigue|numero)\b|怎么样|怎样|结果|进度|进展|如何|点样"
    r"|点呀|吗|几时|什么时候|多久|编号|未|案号|呢|成点"
)


@cache
def _compiled(table: Table) -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((sort, re.compile(pattern)) for sort, pattern in table)


def _first(table: Table, text: str) -> str | None:
    plain = for_sparse(text)
    return next((sort for sort, pattern in _compiled(table) if pattern.search(plain)), None)


def dispute(text: str) -> str | None:
    """not_mine, wrong_amount, paid or fraud, where the words tell it."""
    return _first(_DISPUTES, text)


def means_of_payment(text: str) -> str | None:
    """card, transfer, wallet or cash, where one is named."""
    return _first(_MEANS, text)


def trouble(text: str) -> str | None:
    """bereavement, illness, disaster or work, where one is told of."""
    return _first(_TROUBLES, text)


def complaint(text: str) -> str | None:
    """What a complaint is about: others, hours, privacy or harassment, where the words tell it."""
    return _first(_COMPLAINTS, text)


def is_death(text: str) -> bool:
    """Whether somebody is said to have died, where it is already known to be about a borrower."""
    return bool(_DIED.search(for_sparse(text)))


def asks_about_case(text: str) -> bool:
    """Whether somebody asks what became of a case that they have with us."""
    plain = for_sparse(text)
    return bool(_CASE.search(plain)) and bool(_ASKS.search(plain))
