"""Carrier keywords: STOP, START, HELP and their kin, heard before and without the classifier.

A keyword is the *whole* message once case, width, accents, punctuation, emoji and courtesy are
taken away: "Stop. Thank you", "ｔｄ" and "退订，谢谢" are; "STOP this terrible bill" is not.
The standard library alone, any Python from 3.10.
"""

from __future__ import annotations

import re
import unicodedata

# The words are written as `_words` leaves them: lower case, no accents, no punctuation.
KEYWORDS: dict[str, frozenset[str]] = {
    "stop": frozenset(
        (
            # United States: CTIA, Twilio, 47 CFR 64.1200(a)(10)
            *("stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke"),
            *("optout", "opt out"),
            # Spain and Latin America: LSSI 21 (2)
            *("baja", "parar", "cancelar"),
            # China; also as people copy it from the foot of the message
            *("td", "退订", "取消", "拒收", "t退订", "td退订", "回t退订", "回td退订", "退订回t"),
            *("退订回td", "回复t", "回复td", "回复t退订", "回复td退订", "拒收请回复r", "拒收回r"),
            *("退订短信", "取消订阅"),
            *("停止", "停止接收", "stop停止接收", "回覆stop", "回覆stop停止接收", "回复t即可退订"),
            *("退訂", "退訂短訊", "退訂簡訊", "取消訂閱", "t退訂", "回t退訂", "td退訂"),
        )
    ),
    "start": frozenset(
        (
            *("start", "unstop", "alta"),
            *("恢复", "恢复短信", "重新订阅", "恢復", "恢復短訊", "恢復簡訊", "重新訂閱"),
        )
    ),
    "help": frozenset(("help", "info", "ayuda", "帮助", "幫助", "帮助信息")),
}

COMMANDS: dict[str, frozenset[str]] = {
    "pay_now": frozenset(("pay", "pagar", "还款", "還款")),
    "talk_to_agent": frozenset(("agent", "agente", "人工", "真人", "真人客服", "人工客服")),
    "affirm": frozenset(
        ("confirm", "confirmed", "confirmar", "confirmo", "confirmado", "确认", "確認")
    ),
}
"""Words that our own texts tell people to write, and the intent that each stands for."""

STOP_IN_MAINLAND = frozenset("tnr")
"""Single letters that refuse messages in mainland China; elsewhere they mean too much else."""

START_WHEN_OPTED_OUT = frozenset({"yes"})
"""What returns a person who has opted out, and is a plain answer from anybody else."""

_COURTESY = frozenset(
    (
        *("please", "pls", "plz", "plse", "thanks", "thank you", "thank u", "thankyou", "thx"),
        *("ty", "tks", "tysm", "thank you very much", "thanks a lot", "many thanks", "kindly"),
        *("sir", "madam", "maam", "ma am", "ok", "okay", "k", "hi", "hello", "hey", "sorry"),
        *("bye", "por favor", "porfavor", "porfa", "porfis", "favor", "xfa", "gracias"),
        *("muchas gracias", "mil gracias", "hola", "buenas", "buenos dias", "buenas tardes"),
        *("buenas noches", "buen dia", "saludos", "disculpe", "perdon", "adios"),
    )
)
_COURTESY_HAN = (
    *("谢谢你", "谢谢您", "谢谢", "多谢", "感谢", "谢了", "麻烦你", "麻烦您", "麻烦", "请", "拜托"),
    *("您好", "你好", "好的", "好", "不好意思", "再见", "了", "吧", "啊", "呀", "啦", "哦"),
    *("謝謝你", "謝謝您", "謝謝", "多謝", "感謝", "謝了", "麻煩你", "麻煩您", "麻煩", "請", "拜託"),
    *("唔該", "唔該晒", "再見", "喇", "囉"),
)
_LONGEST = max(len(words.split()) for words in _COURTESY)
_HAN = "\u3400-\u9fff"
_EDGE = "(?:" + "|".join(sorted(_COURTESY_HAN, key=len, reverse=True)) + ")"
_BEFORE = re.compile(f"(?<![a-z0-9{_HAN}]){_EDGE}+")
_AFTER = re.compile(f"{_EDGE}{{1,8}}(?![a-z0-9{_HAN}])")
_ELONGATED = re.compile(r"([a-z])\1{2,}")
MAX_CHARS = 5000
"""A longer text is no keyword, whatever it says; the work is bounded."""


def match(text: str, locale: str | None = None, *, opted_out: bool = False) -> str | None:
    """Return "stop", "start" or "help" when the whole message is that keyword, else None."""
    words = _without_courtesy(_words(text))
    if not words:
        return None
    if len(words) > 1 and all(len(word) == 1 for word in words):
        words = ["".join(words)]  # "S.T.O.P", "t d"
    whole = " ".join(words)
    if whole in STOP_IN_MAINLAND and _is_mainland(locale):
        return "stop"
    if opted_out and whole in START_WHEN_OPTED_OUT:
        return "start"
    once = words[0] if len(set(words)) == 1 else whole  # "stop stop stop"
    return next((kind for kind, table in KEYWORDS.items() if {whole, once} & table), None)


def command(text: str) -> str | None:
    """Return the intent when the whole message is a word that our texts tell people to write."""
    whole = " ".join(_without_courtesy(_words(text)))
    return next((intent for intent, table in COMMANDS.items() if whole in table), None)


def _words(text: str) -> list[str]:
    """Return the message as bare words of letters, digits and Han characters."""
    if len(text) > MAX_CHARS:
        return []
    text = unicodedata.normalize("NFKC", text).casefold()
    letters = []
    for char in unicodedata.normalize("NFD", text):
        if char.isalnum():
            letters.append(char)
        elif unicodedata.category(char) not in ("Mn", "Cf"):  # accents, joiners, emoji style
            letters.append(" ")
    plain = _ELONGATED.sub(r"\1", "".join(letters))
    plain = _AFTER.sub(" ", _BEFORE.sub(" ", plain))
    return plain.split()


def _without_courtesy(words: list[str]) -> list[str]:
    """Return the words with polite phrases taken away, wherever they stand."""
    kept: list[str] = []
    at = 0
    while at < len(words):
        for size in range(min(_LONGEST, len(words) - at), 0, -1):
            if " ".join(words[at : at + size]) in _COURTESY:
                at += size
                break
        else:
            kept.append(words[at])
            at += 1
    return kept


def _is_mainland(locale: str | None) -> bool:
    return (locale or "").replace("-", "_").lower() in ("zh_hans", "zh_hans_cn", "zh_cn")


# Which language is asked for. Every word of the message must be known here: "my english teacher"
# asks for nothing, and a question with a language in it goes to the classifier.
LANGUAGE_NAMES: dict[str, frozenset[str]] = {
    "en": frozenset(("english", "inglish", "ingles", "英文", "英语", "英語")),
    "es": frozenset(
        (
            *("spanish", "espanol", "espaniol", "castellano"),
            *("西班牙文", "西班牙语", "西班牙語", "西班牙话", "西班牙話", "西语", "西語", "西文"),
        )
    ),
    "zh": frozenset(
        (
            *("chinese", "mandarin", "chino", "putonghua"),
            *("中文", "汉语", "漢語", "普通话", "普通話", "国语", "國語", "华语", "華語", "华文"),
        )
    ),
    "zh_Hans": frozenset(
        (
            *("simplified", "simplificado", "简体", "簡體", "简体字"),
            *("簡體字", "简体中文", "簡體中文", "简中", "簡中", "简体版"),
        )
    ),
    "zh_Hant": frozenset(
        (
            *("traditional", "tradicional", "cantonese", "cantones"),
            *(
                "繁体",
                "繁體",
                "繁体字",
                "繁體字",
                "繁體中文",
                "繁体中文",
                "正體",
                "正體字",
                "正體中文",
            ),
            *("繁中", "广东话", "廣東話", "粤语", "粵語", "白话", "白話", "广府话", "廣府話"),
        )
    ),
    "other": frozenset(
        (
            *("french", "frances", "portuguese", "portugues", "german", "aleman", "italian"),
            *("italiano", "vietnamese", "tagalog", "korean", "coreano", "japanese", "japones"),
            *("arabic", "arabe", "russian", "ruso", "hindi", "creole", "polish", "quechua"),
            *("catalan", "gallego", "euskera", "nahuatl", "francais"),
            *(
                "法文",
                "法语",
                "法語",
                "日文",
                "日语",
                "日語",
                "韩文",
                "韓文",
                "韩语",
                "韓語",
                "德文",
                "德语",
            ),
            *(
                "越南文",
                "越南语",
                "越南語",
                "葡萄牙文",
                "葡萄牙语",
                "葡文",
                "俄语",
                "俄文",
                "阿拉伯语",
            ),
            *("印尼文", "泰文", "菲律宾语", "閩南語", "台語"),
        )
    ),
}
_AROUND_LANGUAGE = frozenset(
    (
        # English
        *("in", "into", "to", "do", "does", "you", "u", "ya", "can", "could", "may", "would", "i"),
        *("we", "me", "us", "it", "this", "that", "speak", "write", "text", "talk", "reply"),
        *("answer", "respond", "use", "switch", "change", "set", "say", "send", "have", "want"),
        *("need", "wanna", "like", "prefer", "only", "instead", "rather", "there", "is", "be"),
        *("language", "version", "messages", "message", "texts", "the", "a", "an", "now", "from"),
        *("on", "know", "understand", "read", "again", "back", "my", "and", "but", "much", "good"),
        # Spanish
        *(
            "en",
            "al",
            "a",
            "el",
            "la",
            "lo",
            "los",
            "de",
            "se",
            "me",
            "le",
            "su",
            "mi",
            "y",
            "pero",
        ),
        *("habla", "hablan", "hablas", "hable", "hablen", "hablar", "hablo", "escriba", "escriban"),
        *("escribame", "escribanme", "escribeme", "escribir", "conteste", "contesten", "contestar"),
        *("puede", "pueden", "puedes", "podria", "podrian", "quiero", "quisiera", "prefiero"),
        *("prefiere", "cambiar", "cambie", "cambia", "cambien", "responda", "responder", "mande"),
        *("responde", "respondan", "usted", "ustedes", "tienen", "tiene", "idioma", "version"),
        *("mensajes", "mensaje", "textos", "solo", "mejor", "alguien", "que", "si", "entiendo"),
        *("entender", "leer", "se", "bien", "mucho", "es", "lo", "mandan", "envien", "pasa"),
        *("comuniquense", "atienden", "atender", "conmigo", "por", "para", "escribirme"),
        *("hablarme", "contestarme", "responderme", "mandarme", "enviarme"),
    )
)
_DENIED = frozenset(
    (
        *("no", "not", "dont", "don", "t", "cant", "cannot", "nope", "doesnt", "never", "without"),
        *(
            "不会",
            "不會",
            "不懂",
            "看不懂",
            "听不懂",
            "聽不懂",
            "不识",
            "不識",
            "唔识",
            "唔識",
            "唔明",
        ),
        *(
            "看唔明",
            "睇唔明",
            "睇唔懂",
            "不要",
            "唔要",
            "不用",
            "别用",
            "不看",
            "看不明白",
            "不太会",
        ),
        *("不太懂", "不說", "不说", "唔讲", "唔講", "不是"),
    )
)
_AROUND_LANGUAGE_HAN = (
    *(
        "可不可以",
        "可以",
        "可唔可以",
        "能不能",
        "能否",
        "能",
        "会不会",
        "會不會",
        "识唔识",
        "識唔識",
    ),
    *(
        "会",
        "會",
        "识",
        "識",
        "说",
        "說",
        "讲",
        "講",
        "用",
        "发",
        "發",
        "写",
        "寫",
        "传",
        "傳",
        "看",
    ),
    *(
        "回复",
        "回覆",
        "回",
        "答",
        "答复",
        "改成",
        "改用",
        "改为",
        "改為",
        "改",
        "换成",
        "換成",
        "换",
        "換",
    ),
    *(
        "切换",
        "切換",
        "转成",
        "轉成",
        "转",
        "轉",
        "成",
        "到",
        "为",
        "為",
        "吗",
        "嗎",
        "吧",
        "呢",
        "嘛",
    ),
    *(
        "么",
        "麼",
        "咩",
        "呀",
        "啊",
        "啦",
        "好吗",
        "好嗎",
        "得唔得",
        "行吗",
        "行嗎",
        "有没有",
        "有沒有",
    ),
    *(
        "有冇",
        "有",
        "我",
        "你",
        "您",
        "你们",
        "你們",
        "你哋",
        "我们",
        "要",
        "想要",
        "想",
        "给",
        "給",
    ),
    *(
        "跟",
        "同",
        "俾",
        "短信",
        "简讯",
        "簡訊",
        "短訊",
        "讯息",
        "訊息",
        "消息",
        "信息",
        "版本",
        "版",
        "的",
    ),
    *(
        "嘅",
        "请",
        "請",
        "麻烦",
        "麻煩",
        "唔該",
        "谢谢",
        "謝謝",
        "只",
        "只会",
        "只會",
        "只懂",
        "只識",
    ),
    *(
        "懂",
        "明白",
        "比较",
        "習慣",
        "习惯",
        "喜欢",
        "以后",
        "以後",
        "都",
        "再",
        "和",
        "与",
        "跟我",
        "喺",
    ),
    *("语言", "語言", "是", "一下", "内容", "字", "文字", "显示", "顯示", "希望", "沟通", "聊"),
)


def _vocabulary() -> dict[str, str]:
    words = dict.fromkeys((*_AROUND_LANGUAGE, *_AROUND_LANGUAGE_HAN), "")
    words |= dict.fromkeys(_DENIED, "not")
    return words | {name: code for code, names in LANGUAGE_NAMES.items() for name in names}


_VOCABULARY = _vocabulary()
_LONGEST_HAN = max(len(word) for word in _VOCABULARY)
_CLAUSE = re.compile("[,.;:!?，。；：！？、\n]+")
_HAN_OR_OTHER = re.compile(f"[{_HAN}]+|[^{_HAN}]+")


def language_asked(text: str) -> str | None:
    """Return which language the whole message asks for.

    Returns:
        "en", "es", "zh" (whichever script), "zh_Hans", "zh_Hant"; "other" for a language that is
        none of them, and where one is only refused; None where nothing is asked.

    """
    asked: list[str] = []
    refused = False
    for clause in _CLAUSE.split(text[:MAX_CHARS]):
        denied = False  # "no entiendo, en español": what is denied is in the clause before
        for code in _language_codes(_without_courtesy(_words(clause))):
            if code is None:
                return None
            if code == "not":
                denied = True
            elif code:
                refused |= denied
                asked += [] if denied else [code]
                denied = False
    if asked:
        # "chino tradicional": the script says more than the language.
        return max(asked, key=lambda code: len(code) if code != "other" else 0)
    return "other" if refused else None


def _language_codes(words: list[str]) -> list[str | None]:
    """What each word is: a language's code, "not", "" for what may stand around, None else."""
    codes: list[str | None] = []
    for word in words:
        for piece in _HAN_OR_OTHER.findall(word):
            codes += _of_han(piece) if re.match(f"[{_HAN}]", piece) else [_VOCABULARY.get(piece)]
    return codes


def _of_han(piece: str) -> list[str | None]:
    codes: list[str | None] = []
    at = 0
    while at < len(piece):
        for size in range(min(_LONGEST_HAN, len(piece) - at), 0, -1):
            if piece[at : at + size] in _VOCABULARY:
                codes.append(_VOCABULARY[piece[at : at + size]])
                at += size
                break
        else:
            return [None]
    return codes
