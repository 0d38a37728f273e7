"""Plain words that tell which sort of dispute, payment, trouble or complaint a message is."""

from __future__ import annotations

import time

import pytest

from bot.nlu import sorts

DISPUTES = {
    "that amount is wrong, i dont owe that much": "wrong_amount",
    "I was overcharged": "wrong_amount",
    "me cobraron de más en los intereses": "wrong_amount",
    "el monto está mal": "wrong_amount",
    "利息算错了吧": "wrong_amount",
    "金額不對 你們多收了吧": "wrong_amount",
    "上期我準時繳 哪來的滯納金": "wrong_amount",
    "i never took out this loan": "not_mine",
    "no reconozco esa deuda": "not_mine",
    "yo nunca pedí ese préstamo": "not_mine",
    "这笔钱不是我借的": "not_mine",
    "呢條數唔係我嘅 我冇借過": "not_mine",
    "i paid this and your books are off": "paid",
    "ya pagué y me siguen cobrando": "paid",
    "已经还清了 你们系统有问题": "paid",
    "someone stole my identity": "fraud",
    "some guy used my name to get this loan": "fraud",
    "me robaron la identidad, yo no saqué ese préstamo": "fraud",
    "有人冒用我的身份借的钱": "fraud",
    "i dispute this debt": None,
    "send me proof of this": None,
    "esto está mal": None,
    "我有异议": None,
}
MEANS = {
    "by bank transfer": "transfer",
    "zelle": "transfer",
    "con tarjeta": "card",
    "through your link": "card",
    "en el oxxo": "cash",
    "超商繳的": "cash",
    "支付宝转的": "wallet",
    "轉數快": "wallet",
    "网银": "transfer",
    "i paid it": None,
}
TROUBLES = {
    "my mom just died": "bereavement",
    "falleció mi papá": "bereavement",
    "家里办丧事": "bereavement",
    "i had surgery last week": "illness",
    "estoy hospitalizado": "illness",
    "我生病住院了": "illness",
    "our house flooded": "disaster",
    "se me inundó la casa": "disaster",
    "颱風把店都吹壞了": "disaster",
    "i lost my job": "work",
    "me despidieron": "work",
    "我被裁員了": "work",
    "i have no money at all": None,
    "no me alcanza": None,
    "这个月没钱": None,
}
CASES = {
    "what about my case": True,
    "any news on my case D-00003?": True,
    "qué pasó con mi caso": True,
    "我的案件处理得怎么样了": True,
    "我的申訴有結果了嗎": True,
    "個投訴點樣呀": True,
    "in that case i'll pay friday": False,
    "in my case when is it due": False,
    "my case is different": False,
    "en mi caso cuando vence": False,
    "mi caso es que perdí el trabajo": False,
    "i want to dispute this": False,
    "我要投诉": False,
}


@pytest.mark.parametrize(("text", "expected"), DISPUTES.items())
def test_the_kind_of_a_dispute(text: str, expected: str | None) -> None:
    assert sorts.dispute(text) == expected


@pytest.mark.parametrize(("text", "expected"), MEANS.items())
def test_the_means_of_a_payment(text: str, expected: str | None) -> None:
    assert sorts.means_of_payment(text) == expected


@pytest.mark.parametrize(("text", "expected"), TROUBLES.items())
def test_the_kind_of_trouble(text: str, expected: str | None) -> None:
    assert sorts.trouble(text) == expected


@pytest.mark.parametrize(("text", "expected"), CASES.items())
def test_a_question_about_a_case(text: str, expected: bool) -> None:
    assert sorts.asks_about_case(text) == expected


@pytest.mark.parametrize("piece", ["my ", "amount ", "没", "借", "no ", "case ", "D-0", "que "])
def test_a_hostile_text_is_sorted_in_bounded_time(piece: str) -> None:
    text = piece * (1600 // len(piece))
    start = time.process_time()
    for sort in (sorts.dispute, sorts.trouble, sorts.complaint, sorts.asks_about_case):
        sort(text)
    assert time.process_time() - start < 0.5
