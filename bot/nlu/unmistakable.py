"""Wordings that mean one thing whatever a model thinks: an opt-out, a cry for help.

A classifier generalises and therefore errs; for these two a miss is a lawsuit or a life. So what
nobody could read otherwise is matched here as well: a hit makes sure that an opt-out is at least
asked about and that a cry for help is heard. Nothing here ever takes either away.

All patterns read what ``normalise.for_sparse`` leaves: lower case, no accents, Simplified Chinese.
The law that asks for it: 47 CFR 64.1200(a)(10), consent is withdrawn "in any reasonable manner".
"""

from __future__ import annotations

import re
from functools import cache

# What is sent. Only with one of these does "stop" or "no more" speak of messages.
_SENT_EN = r"(?:te?xt|txt|messag|mess?g|msg|sms|contact|spam|notif|alert|remind|e?mail)\w*"
_SENT_ES = r"(?:mensaj|msj|msg|sms|text[eo]|escrib|contact|whats|notif|recordator|aviso|spam)\w*"
_SENT_ZH = r"(?:短信|短讯|简讯|信息|讯息|消息|通知|提醒|推送|message|msg|sms|信)"

_OPT_OUT = (
    # English
    rf"\b(?:stop|stp|quit|cease|halt|end|no more|no further|enough)\b(?: \w+){{0,3}}? {_SENT_EN}",
    rf"\b(?:do ?n[o']?t|dnt|never|not)\b(?: \w+){{0,4}}? {_SENT_EN} (?:\w+ )?"
    r"(?:me|us|this|my|again|anymore|any more|here|no more)\b",
    r"\bun ?subs?c\w*(?<!ed)\b|\bopt(?:ing)?[ -]?(?:me |us )?out\b",
    r"\b(?:take|remove|get|delete|drop|scratch|pull)\b (?:me|us|my (?:number|name|phone|cell)"
    r"|this (?:number|phone|cell))(?: \w+){0,2}? (?:off|from|out of)\b",
    r"\b(?:lose|forget|erase) (?:my|this) (?:number|digits|phone|cell)\b",
    r"\bleave (?:me|us) (?:alone|be|the (?:hell|fuck|f))\b",
    r"\b(?:revok|withdr[ae]w|rescind)\w*\b.{0,30}\b(?:consent|permission|authori[sz]ation)",
    rf"\b(?:mail|email|letters?|post)\b.{{0,20}}\b(?:instead of|over|rather than|not by|no)\b"
    rf" (?:\w+ )?{_SENT_EN}",
    # Spanish
    r"\b(?:dar|den|de|dame|denme|deme|doy|denos|darnos)(?:me)? (?:de |la )?baja\b"
    r"|\bsolicito (?:la |mi |de )?baja\b|\bdes[ui]*scri\w+|\bdesuscr\w+",
    rf"\b(?:no|dej\w+ de|par\w+ de|nunca|basta de|ni un|no mas)\b(?: (?:me|nos|mas|los|sus|el|le"
    rf"|quiero|manden?|mandes|envien?|envies|llegu?en|recibir|seguir|vuelvan?|a|otro|esos|estos"
    rf"|tus|sigan?|que|manda\w*|envia\w*)){{0,5}} {_SENT_ES}",
    r"\b(?:quit|borr|saqu|sac|elimin|remuev)\w*(?:me|nme|enme|arme)\b",
    r"\bdej\w*(?:me|nme|nos) (?:en pa[zs]|tranquil\w)\b",
    r"\b(?:no (?:les )?autorizo|revoco|retiro mi (?:consent|autoriz)\w*)\b",
    # Chinese, Cantonese with it
    rf"(?:别|不要|勿|不想|唔好|唔想|停止|不准|不许|莫|甭|禁止|拒绝|不用|无需|不再|唔使|咪|麦)"
    rf"[^,。!?,;\s]{{0,6}}?(?:发|传|send|收到|接收|推)[^,。!?,;\s]{{0,6}}?(?:{_SENT_ZH}|了|啦|来"
    rf"|嚟|我)",
    rf"(?:别|不要|唔好|勿|停止|不想)[^,。!?;\s]{{0,4}}(?:{_SENT_ZH}|短信|打扰|骚扰)(?:我|了)?$",
    r"退[订定]|(?:收回|撤[回销]|取消)[^,。!?]{0,8}(?:同意|授权)|取消订阅|拒收"
    r"|(?:移除|删除|删掉|剔除|除名)[^,。!?]{0,4}(?:我|号|电话)"
    r"|把我[^,。!?]{0,6}(?:移出|删|除名|剔|拿掉)",
)

# With one of these the same words ask for less, for a pause, or for messages again.
_BUT = (
    r"\b(?:so (?:much|many|often)|every ?day|daily|twice|double|at (?:night|work)|night|morning"
    r"|early"
    r"|late|weekends?|sundays?|midnight|before|after|during|until|till|once|too (?:many|much)"
    r"|all the time|constantly|one (?:is|a)|accident|mistake|again|resume|undo|restart|back on"
    r"|keep"
    r"|changed my mind|(?:dont|do not|didnt|not|cancel|regret|never|wasnt|wrong"
    r"|un)[ -](?:\w+ ){0,3}"
    r"(?:stop|take|remove|unsub\w*|opt)|except|less|unless|hour|past|off day|day off|week|month"
    r"|constant|forget|autopay|paper|newsletter|netflix|gym)\b",
    r"\b(?:tan(?:to|tos|ta|tas)?|seguido|a cada rato|diario|todos los dias|noche|madrugada"
    r"|domingos?"
    r"|temprano|trabajo|antes|despues|hasta|solo|menos|error|otra vez|volver|vuelvan a mandar"
    r"|de nuevo|arrepent\w*|reactiv\w*|quise|queria|siesta|hora|equivoc\w*|no dejen de|olviden"
    r"|no hagan caso|retiro mi solicitud|por hoy|fines de semana|lista negra|bloquead\w+"
    r"|mora|comision|recargo|interes\w*|cobro|cuenta|credito|deuda|gastos|medica|tarjeta"
    r"|lista de morosos"
    r"|debito|automatico|gimnasio|jefe|luz)\b",
    r"天天|每天|每日|整天|成日|晚上|夜|凌晨|早上|半夜|上班|中午|周末|星期|次|少|那么多|咁多|太多"
    r"|频|老是|总|先"
    r"|误|不小心|恢复|重新|继续|后悔|撤销退|别退|不退|没退|手滑|按错|解除|开通|返|春节|过年|期间"
    r"|重复|密|要收"
    r"|(?:别|不要|不是|没要|没有要|唔好|唔系|取消|忽略|收回|撤回|那个|刚才的|刚刚的|点错|撤错"
    r"|乱按|按到)"
    r"[^,。!?\s]{0,4}(?:停|关|退订|拒收|取消|移除)|退订(?:撤|作废|那个)|扣款|转账|会员|征信"
    r"|手续费|微信登录"
    r"|链接|账单|模板|netflix",
)

_CRISIS = (
    r"\b(?:kill(?:ing)? (?:myself|my self|me self)|end(?:ing)? (?:my (?:own )?life|it all)"
    r"|suicid\w*"
    r"|unalive|kms|take my (?:own )?life|(?:want|wanna|going|gonna|ready|rather|better) (?:to "
    r"|off )?"
    r"(?:die|be dead|dead)|no reason to (?:live|wake|go on|be here)|self[- ]?harm\w*"
    r"|cut(?:ting)? myself|better off without me|dont want to (?:live|be (?:here|alive)"
    r"|wake up))\b",
    r"\b(?:suicid\w*|matarme|me (?:voy a|quiero|quisiera|voy) a? ?matar|quitarme la vida"
    r"|(?:quiero|quisiera|prefiero) (?:morir|morirme|estar muert\w)|no quiero (?:vivir"
    r"|seguir viv\w+)"
    r"|acabar con (?:mi vida|todo esto)|sin mi estarian mejor|mejor sin mi)\b",
    r"自杀|自尽|轻生|寻死|自残|割腕|烧炭|跳楼|跳河|跳轨|上吊|不想活|唔想活|活不下去|唔想生"
    r"|结束(?:自己的?|我的?)?生命"
    r"|了结(?:自己|生命|这一切)|想死了?算|死了算了|一死了之",
)
_NOT_ME = (
    r"\b(?:died by|his|her|brother|sister|husband|wife|mother|father|friend|movie|song)\b"
    r"|\b(?:se suicido|hermana|hermano|esposo|esposa|cancion|pelicula)\b"
    r"|(?:老公|老婆|弟弟|哥|姐|妹|爸|妈|主角|明星|电影|朋友).{0,8}(?:自杀|轻生)|(?:自杀"
    r"|轻生)(?:走|去世|过世)|跳楼(?:价|机|大)"
)
_COMIC = r"\b(?:lol|lmao|haha\w*|jaja\w*|jk)\b|哈哈|笑死|😂|🤣|😆"


@cache
def _compiled(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def is_opt_out(plain: str) -> bool:
    """Whether a text, as ``normalise.for_sparse`` leaves it, withdraws consent in so many words."""
    plain = plain.replace("'", "")
    return bool(_compiled(_OPT_OUT).search(plain)) and not _compiled(_BUT).search(plain)


def is_crisis(plain: str) -> bool:
    """Whether somebody speaks of their own suicide or self-harm in so many words, not in jest."""
    plain = plain.replace("'", "")
    return bool(_compiled(_CRISIS).search(plain)) and not _compiled((_COMIC, _NOT_ME)).search(plain)
