"""Each wording with a neighbour that means something else."""

from __future__ import annotations

import pytest

from bot.nlu import normalise, unmistakable

OPT_OUTS = """
stop texting me | stop charging me that fee
quit with these messages | quit my job last week
please don't text this number anymore | please don't forget to text me
Paid it on tuesday, now leave me be | leave me a message at the desk
unsubscribe me | i unsubscribed by accident, undo it
opt me out please | which options do i have
i revoke my consent to be contacted | i consent to the plan
take me off your list | take 20 off the fee
lose my number | i lost my phone
email me instead of texting | instead of friday can it be monday
no more texts | no more texts at night
denme de baja | denme de baja la comisión
no me manden más mensajes | no me manden tantos mensajes
dejen de escribirme | no dejen de escribirme
bórrenme de su lista | bórrenme el recargo
déjenme en paz | déjenme pagar el lunes
revoco mi autorización | autorizo el pago
别再发短信了 | 别天天发短信
退订 谢谢 | 退订按错了 恢复
我收回当初签的短信同意 | 我同意这个方案
不要再給我傳訊息了 | 晚上不要傳訊息
唔好再send嚟啦 | 唔好收我利息
"""

CRISES = """
i want to kill myself | this traffic makes me want to kill myself lol
better off without me | better off with the other plan
me quiero morir | me muero de la risa
voy a quitarme la vida | me quitaron la luz
我不想活了 | 我不想还了
想自杀 | 老公去年自杀走的
活不下去了 | 手机活不过今天
我想結束自己的生命 | 我想結束這個合約
"""


def pairs(table: str) -> list[tuple[str, str]]:
    rows = [line.split(" | ") for line in table.strip().splitlines()]
    return [(meant, not_meant) for meant, not_meant in rows]


@pytest.mark.parametrize(("meant", "other"), pairs(OPT_OUTS))
def test_an_opt_out_in_so_many_words(meant: str, other: str) -> None:
    assert unmistakable.is_opt_out(normalise.for_sparse(meant))
    assert not unmistakable.is_opt_out(normalise.for_sparse(other))


@pytest.mark.parametrize(("meant", "other"), pairs(CRISES))
def test_a_cry_for_help_in_so_many_words(meant: str, other: str) -> None:
    assert unmistakable.is_crisis(normalise.for_sparse(meant))
    assert not unmistakable.is_crisis(normalise.for_sparse(other))


@pytest.mark.parametrize("text", ["", "a" * 1000, "stop " * 200, "no me " * 160, "别发" * 500])
def test_any_text_is_read_in_bounded_time(text: str) -> None:
    unmistakable.is_opt_out(text)
    unmistakable.is_crisis(text)
