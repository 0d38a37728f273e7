"""What a question asks for beyond its intent: the make-up of a sum, a failing link, proof.

The label says "ask_balance"; the words say whether a total answers it or only its parts do. A
message that none of these tables knows gets the plain answer, so that a gap costs little.
"""

from __future__ import annotations

import re

from bot.nlu.normalise import for_sparse

# Written as ``for_sparse`` leaves a text: lower case, no accents, Simplified characters.
_PARTS = re.compile(
    r"\b(why|how come|explain|interest|apr|rates?|extra|principal|capital|break ?(\w+ )?down|broken"
    r"|itemi[sz]e\w*|details?|fees?|charges?|charged|made up|adds? up|calculat\w+"
    r"|work(ed)? out|split|so (much|high|big)"
    r"|what('?s| is| are)? (this|that|it|these|those|the \S+) for"
    r")\b"
    r"|\b(por ?que|xq|porq|interes\w*|desglos\w*|detall\w*|recargos?|comision\w*|multas?|cargos?"
    r"|conceptos?|compone\w*|gastos|tae|cat|explic\w+|calcul\w+"
    r"|(de|a) que (es|son|se debe)|tanto|tan alto)\b"
    r"|怎么(就|会|还|又|突然)?(那么|这么|多|算|变)|咁多|点解|为什么|为啥|为何|干嘛要|凭什么|利息|利率|罚息|占"
    r"|明细|费|滞纳金|违约金|构成|本金|多出来|包括|包含|组成|点计|点样计"
)
_HOW_MANY = re.compile(
    r"\b(how many (more |of my )?(payments?|instal\w+|months)"
    r"|cuantas (cuotas|letras|mensualidades)|cuantos (pagos|meses))\b"
    r"|几期|多少期"
)
# Late interest is among the late charges, and those stand in the books.
_INTEREST = re.compile(
    r"(?<!late )(?<!overdue )\b(interest|apr|principal|capital)\b"
    r"|\binteres(es)?\b(?! (de mora|por mora|morator))|(?<!逾期)利息|利率|本金"
)
_LAST = re.compile(
    r"\b(final|last one|last (instal\w+|payment due)|finish\w*|done paying|paid off|pay it off"
    r"|(loan|it|this) ends?|end of (it|this|the loan|my loan))\b"
    r"|\b(termin\w+|acab\w+|liquid\w+|ultim[ao] (pago|cuota|letra|mensualidad))\b"
    r"|最后一(期|笔|次)|还完|还清|缴完|缴清|付清|结清|供完|尾期"
)
_FAILS = re.compile(
    r"\b(doesn'?t|does not|isn'?t|is not|won'?t|can'?t|cannot|didn'?t|not) (\w+ )?"
    r"(work\w*|open\w*|load\w*|go\w*|let\w*|reach\w*|click\w*|respond\w*|accept\w*)\b"
    r"|\b(broken|dead|error|broke|fail\w*|expired|invalid|declin\w+|reject\w*|stuck|spinning|blank|frozen|down|crash\w*"
    r"|404|times? out|timed out|nothing happens|keeps? (saying|asking|going|kicking))\b"
    r"|\bno (me )?(abre|funciona|jala|sirve|carga|anda|entra|deja|pasa|hace nada)\w*\b"
    r"|\b(rot[oa]|caid[oa]|caducad[oa]|vencid[oa]|expir\w+|fall[aoe]\w*|rechaz\w+|declinad\w+|invalid[oa])\b"
    r"|打不开|点不(开|进|了)|开不(了|到)|打唔开|开唔到|进不去|入唔到|用不(了|到)|失效|失败|过期|出错"
    r"|没(有)?反应|冇反应|加载不|坏了|白屏|白画面|(点|按|撳|动)不动|错误|付不了|俾唔到|交不了|不能用|唔用得|被拒"
)
_DOUBT = re.compile(
    r"\b(scam\w*|fraud\w*|fake|legit\w*|real(?! (person|human))|spam|phish\w*|trust\w*|safe|prove"
    r"|proof|verify|sure|official|genuine|pretending|virus|junk|hack\w*)\b"
    r"|\b(estaf\w+|fraude|timo|timando|enga\w+|oficial\w*|confi\w+|pruebas?|comprueb\w+"
    r"|licencia|segur[oa]|verdad|ladron\w*|trampa|cierto|phishing)\b"
    r"|诈骗|骗|呃人|真的假的|正规|官方|证明|可信|钓鱼|冒充|核实|核对|执照|备案|安全|不敢|假(的|㗎|嘅|短)|牌照"
)
_SOURCE = re.compile(
    r"\bmy (\w+ )?(number|phone|contact|cell|digits)\b|\bthis number from\b"
    r"|\bmi (numero|telefono|celular|contacto|movil)\b"
    r"|(我|俺|本人)[^是]{0,4}(电话|号码|手机|number|联系方式)|(电话|号码|手机)\S{0,4}(哪里|哪儿|边度)?(来的|弄的|拿的|攞)"
)


def parts(text: str) -> bool:
    """Whether it is asked what a sum is made of, or why it is so high."""
    return bool(_PARTS.search(for_sparse(text))) or how_many(text)


def how_many(text: str) -> bool:
    """Whether the instalments that are left are asked for."""
    return bool(_HOW_MANY.search(for_sparse(text)))


def interest(text: str) -> bool:
    """Whether it is asked what the loan itself costs."""
    return bool(_INTEREST.search(for_sparse(text)))


def last_day(text: str) -> bool:
    """Whether it is asked when all will be paid, not when the next part is due."""
    return bool(_LAST.search(for_sparse(text)))


def failing(text: str) -> bool:
    """Whether it is said that a way to pay does not work."""
    return bool(_FAILS.search(for_sparse(text)))


def doubt(text: str) -> bool:
    """Whether it is doubted that the sender is who it says."""
    return bool(_DOUBT.search(for_sparse(text)))


def number_source(text: str) -> bool:
    """Whether it is asked where the number came from."""
    return bool(_SOURCE.search(for_sparse(text)))
