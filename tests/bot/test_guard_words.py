"""What no text may say, and which amounts it names: in four languages, and not too eagerly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.guard import content, figures
from bot.policy import Policy
from bot.replies import LANGUAGES
from bot.turn import AgreementView, DueView, Money, PromiseView, Reply
from tests import builders
from tests.bot.test_replies import WRITTEN
from tests.fakes import CATALOGUES, POLICY_TEXT

POLICY = Policy.from_toml(POLICY_TEXT)

FAULTS = {
    "threat": (
        *("Pay today or else.", "You will regret this.", "We know where you live."),
        *("There will be serious consequences.", "We'll come for you"),
        *("You will lose your house.", "We will send someone to your home.", "FINAL WARNING"),
        *("Habrá graves consecuencias.", "Sabemos dónde vive usted."),
        *("Aténgase a las consecuencias", "Va a perder su casa", "Iremos a su domicilio"),
        *("否则后果自负", "後果自負", "后果很严重", "我们会上门催收", "上門催收", "等著瞧"),
    ),
    "insult": (
        *("You are a deadbeat.", "Only a thief does that.", "That was stupid", "you're a fraud"),
        *("Usted es un sinvergüenza.", "Los morosos como usted"),
        *("Es usted un LADRÓN", "qué mentirosa", "你这个老赖", "老賴", "真不要脸", "您就是騙子"),
    ),
    "shame": (
        *("Shame on you.", "You should be ashamed.", "Everyone will know.", "we will expose you"),
        *("Debería darle vergüenza.", "Todos se enterarán", "irá a la lista negra"),
        *("您不觉得丢人吗", "丟臉", "列入黑名单", "公开您的欠款", "讓大家都知道"),
    ),
    "urgency": (
        *("Act now!", "Last chance to pay.", "Pay now, or it gets worse", "Immediate payment due"),
        *("This is your final notice", "Time is running out", "URGENT: message", "Don't delay"),
        *(
            "Último aviso",
            "Última oportunidad",
            "Pague de inmediato",
            "Actúe ya",
            "mensaje urgente",
        ),
        *(
            "最后通牒",
            "最後警告",
            "请立即还款",
            "請立刻繳清",
            "马上还钱",
            "再不还款",
            "否则将影响您",
            "限時處理",
        ),
    ),
    "lawsuit": (
        *("We will sue you.", "If you do not pay, we'll sue", "If you don't pay we will sue you"),
        *("We will take legal action.", "See you in court.", "Our lawyers are on it", "A lawsuit"),
        *("We will not hesitate to sue", "We have no choice but to take legal action"),
        *("If we don't hear from you, we will take legal action",),
        *("If you don't contact us by Friday, legal action follows",),
        *("Not paying leads to legal action", "Don't make us go to court"),
        *("Lo vamos a demandar.", "Si no paga, demandaremos", "acciones legales", "un tribunal"),
        *("Iniciaremos un proceso judicial", "nuestros abogados", "Si no paga iremos a juicio"),
        *("我们将起诉您", "起訴", "法院传票", "律师函", "採取法律行動", "法律手段", "申请强制执行"),
        *("若不还款将起诉", "我们不得不起诉", "不排除起诉"),
    ),
    "arrest": (
        *("You will be arrested.", "We called the police.", "You could go to jail", "a warrant"),
        *("criminal charges", "Irá a la cárcel", "llamaremos a la policía", "orden de captura"),
        *("警察会找您", "公安", "會坐牢", "刑事责任", "限制高消费", "拘留"),
    ),
    "garnish": (
        *("We will garnish your wages.", "We deduct the sum from your salary", "a levy"),
        *("Van a embargar su casa", "un embargo", "descontaremos la deuda de su sueldo"),
        *("冻结您的账户", "凍結帳戶", "从工资里扣工资", "查封", "扣您的薪"),
    ),
    "third_party": (
        *("We will call your boss.", "We may contact your family", "your employer will find out"),
        *("We'll tell your wife", "Llamaremos a su jefe", "avisaremos a sus familiares"),
        *("Vamos a contactar a su esposa", "su familia se enterará"),
        *(
            "我们会联系您的家人",
            "通知您的单位",
            "聯絡你的公司",
            "打电话给同事",
            "告訴您父母",
            "爆通讯录",
        ),
    ),
}
CASES = [(reason, text) for reason, texts in FAULTS.items() for text in texts]


@pytest.mark.parametrize(("reason", "text"), CASES, ids=[text for _, text in CASES])
def test_what_no_text_may_say(reason: str, text: str) -> None:
    found = content.fault(text)
    assert found is not None
    assert found.reason == reason
    assert content.fault(f"Hello Maya. {text}") is not None
    assert content.fault(text.upper()) is not None


INNOCENT = (
    # denied
    *("We never threaten anyone; ask us anything.", "We do not sue.", "We never sue or arrest."),
    *("We will never contact your family, friends or employer.", "There is no hurry to pay."),
    *("This has nothing to do with the police.", "It is nothing to be ashamed of."),
    *("Nobody may contact your employer about this.", "You don't need a lawyer."),
    *("Nunca llamamos a su jefe.", "No contactamos a su familia ni a su trabajo."),
    *("No es ninguna vergüenza.", "Nadie lo va a demandar.", "sin acciones legales"),
    *(
        "我们不会联系您的家人",
        "我們絕不會通知您的公司",
        "这没什么丢人的",
        "我们不会起诉",
        "不會坐牢",
    ),
    # about something else
    *("Thank you, Sue! We received $10.00.", "Your issue is solved.", "A court of tennis"),
    *("Your police report helps us.", "Sin embargo, puede pagar después.", "Thank you, Mark."),
    *("Pay now", "You can pay today or on Friday.", "Which pursuit?"),
    *("a demanda del cliente", "su ex jefe", "Puede detener los mensajes con BAJA."),
    *("Su sueldo llega el viernes", "You would pay this part by Nov 29."),
    *(
        "不客气",
        "马上为您查",
        "请问您几号发工资",
        "为您立案，编号D-00042",
        "紧急电话",
    ),
    *("您可以联系我们", "请联系客服", "通知我们", "我们的公司"),
)


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_denied_or_about_something_else_is_no_fault(text: str) -> None:
    assert content.fault(text) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_none_of_our_own_texts_has_a_fault(language: str) -> None:
    assert len(WRITTEN[language]) > 100
    for key, text in WRITTEN[language].items():
        assert content.fault(text) is None, key


OWN = [
    ("You owe a debt.", ("debt",), True),
    ("You are indebted.", ("debt",), False),
    ("Your DEBT", ("debt",), True),
    ("su crédito", ("credito",), True),
    ("A bad debt, sorry", ("bad debt",), True),
    ("您的债务", ("债务",), True),
    ("a+b", ("a+b",), True),
    ("anything", ("", " "), False),
    ("anything", (), False),
]


@pytest.mark.parametrize(("text", "forbidden", "found"), OWN)
def test_a_lenders_own_words(text: str, forbidden: tuple[str, ...], found: bool) -> None:
    fault = content.fault(text, forbidden)
    assert (fault is not None) == found
    if fault:
        assert fault.reason == "forbidden"


@given(st.text(max_size=300))
def test_any_text_can_be_looked_at(text: str) -> None:
    content.fault(text)
    figures.amounts(text)


# Figures


@dataclass(frozen=True)
class Named:
    text: str
    amounts: tuple[str, ...]
    locale: str = "en"

    def __str__(self) -> str:
        return self.text


NAMED = [
    Named("You owe $734.50 in all; $134.50 is due.", ("734.50", "134.50")),
    Named("We received $1,234.56.", ("1234.56",)),
    Named("pay 50 dollars, 20 bucks or USD 30", ("50", "20", "30")),
    Named("$5k by May", ("5000",)),
    Named("you owe 500", ("500",)),
    Named("your balance is 1,250", ("1250",)),
    Named("the amount of 99.95 is open", ("99.95",)),
    Named("it comes to 1,200 now", ("1200",)),
    Named("five hundred dollars by friday", ("500",)),
    Named("£20 or 20 EUR", ("20", "20")),
    Named("debe 1.234,50 €", ("1234.50",), "es_ES"),
    Named("pague 300 el lunes", ("300",), "es"),
    Named("son 45 pesos y 30 dólares", ("45", "30"), "es"),
    Named("quinientos pesos", ("500",), "es"),
    Named("共欠¥4,321.60，其中881.6元", ("4321.60", "881.6"), "zh_Hans"),
    Named("下次应还¥1,234.56，2026年9月23日到期", ("1234.56",), "zh_Hans"),
    Named("您欠3万元", ("30000",), "zh_Hans"),
    Named("￥５００", ("500",), "zh_Hans"),
    Named("还款500", ("500",), "zh_Hans"),
    Named("五百元", ("500",), "zh_Hans"),
    Named("三千塊", ("3000",), "zh_Hant"),
    Named("應繳NT$3,200", ("3200",), "zh_Hant"),
    Named("HK$4,500.00", ("4500.00",), "zh_Hant"),
    Named("nothing", ()),
    Named("on Nov 29, 2026, within 14 days", ()),
    Named("pay in 3 parts or 2 payments", ()),
    Named("Write 1 or 2. Call +1 555 010 0000, 09:00-18:00", ()),
    Named("20% less, 7.50% a year", ()),
    Named("born 1990? case D-00042, card …1234", ()),
    Named("at 9.30 am on 4.12.2026 or 12/04/2026", ()),
    Named("https://sms.lender.example/pay/MTIz.50.Zm9v", ()),
    Named("How much would you like to pay\n1) 还款\n2) 付款", ()),
    Named("You can write PAY\n1) Pay now\n2) When to pay\n3) I owe", ()),
    Named("分3期还，每14天还一期", (), "zh_Hans"),
    Named("9月23日还款，24小时内有效", (), "zh_Hans"),
    Named("en 2 cuotas, cada 14 días, a las 9.30 h", (), "es"),
]


@pytest.mark.parametrize("case", NAMED, ids=str)
def test_the_amounts_that_a_text_names(case: Named) -> None:
    named = figures.amounts(case.text, case.locale, freely=True)
    assert named == tuple(map(Decimal, case.amounts))


@pytest.mark.parametrize("case", NAMED, ids=str)
def test_of_the_bots_own_texts_only_what_is_written_as_money(case: Named) -> None:
    named = figures.amounts(case.text, case.locale)
    assert set(named) <= set(map(Decimal, case.amounts))


PLACES = [
    *(("en", "US", "USD"), ("en", "GB", "GBP"), ("es", "US", "USD"), ("es", "ES", "EUR")),
    *(("es", "MX", "MXN"), ("es", "CO", "COP"), ("es", "AR", "ARS"), ("zh_Hans", "CN", "CNY")),
    *(("zh_Hant", "TW", "TWD"), ("zh_Hant", "HK", "HKD"), ("zh_Hans", "US", "USD")),
]


@given(
    amount=st.decimals("0.01", "9999999.99", places=2),
    other=st.decimals("0.01", "9999999.99", places=2),
    place=st.sampled_from(PLACES),
)
def test_an_amount_is_found_as_each_place_writes_it(
    amount: Decimal, other: Decimal, place: tuple[str, str, str]
) -> None:
    language, country, currency = place
    values = {
        "product": Reply("product.personal_loan"),
        "balance": Money(amount, currency),
        "past_due": Money(other, currency),
        "due_on": "9/23",
    }
    reply = Reply("balance.late", values)
    text = CATALOGUES.render(reply, language, country=country)
    named = figures.amounts(text, language)
    assert sorted(named) == sorted((amount, other))
    assert figures.unknown(named, (reply,), (), POLICY) == ()


LOAN = replace(
    builders.loan_view(),
    unpaid=(DueView(builders.CREATED.date(), Decimal("120.00")),),
    promise=PromiseView(Decimal("75.00"), builders.CREATED.date()),
    agreement=AgreementView(
        "settlement", Decimal("587.60"), Decimal("146.90"), builders.CREATED.date()
    ),
)


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("$734.50, $134.50, $14.50, $120.00, $75.00, $587.60, $146.90", ()),
        ("$734.5", ()),
        ("the smallest payment is $5.00", ()),
        ("$734.51", ("734.51",)),
        ("$99.00 of $734.50", ("99.00",)),
        ("$0.00", ()),
    ],
)
def test_an_amount_that_stands_in_no_book(text: str, unknown: tuple[str, ...]) -> None:
    found = figures.unknown(figures.amounts(text), (), (LOAN,), POLICY)
    assert found == tuple(map(Decimal, unknown))


def test_what_a_reply_was_to_say_is_known() -> None:
    inner = Reply("x.y", {"amount": Money(Decimal("12.00"), "USD")})
    reply = Reply("x.z", {"part": inner, "fee": Decimal("3.00"), "own": "a $9 fee"}, (inner,))
    named = [Decimal(n) for n in ("12", "3", "9", "8")]
    assert figures.unknown(named, (reply,), (), POLICY) == (Decimal("8"),)


def test_what_the_policy_says_is_known() -> None:
    policy = replace(POLICY, consequences={"en": "A late fee of $25 may be added."})
    assert figures.unknown([Decimal("25")], (), (), policy) == ()
