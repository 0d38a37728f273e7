"""Who gets into the console, and who does not."""

import pytest

from models import Agent

OPEN = {"console.login", "console.log_in", "console.static"}


def urls_of(app, blueprint):
    """One address for every route of a blueprint, with the methods that it takes."""
    adapter = app.url_map.bind("localhost")
    fill = {"conversation_id": 1, "number": "+15550100001", "token": "x", "filename": "icon.svg"}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] == blueprint:
            values = {name: fill[name] for name in rule.arguments}
            for method in rule.methods & {"GET", "POST"}:
                yield rule.endpoint, method, adapter.build(rule.endpoint, values, method)


def test_every_route_of_the_console_asks_for_a_log_in(app, browser):
    csrf_token = browser.token()
    guarded = [row for row in urls_of(app, "console") if row[0] not in OPEN]
    assert {endpoint for endpoint, *_ in guarded} >= {
        "console.conversations",
        "console.conversation",
        "console.logout",
    }
    for endpoint, method, url in guarded:
        answer = browser.client.open(url, method=method, data={"csrf_token": csrf_token})
        assert (answer.status_code, answer.location) == (302, "/console/login"), endpoint


def test_a_log_in_leads_to_the_page_that_was_asked_for(browser):
    browser.get("/console/conversations/7")
    assert browser.log_in().location == "/console/conversations/7"


def test_a_log_in_leads_to_the_list_where_nothing_was_asked_for(browser):
    assert browser.log_in().location == "/console/"
    assert browser.get("/console/").status_code == 200


@pytest.mark.parametrize(
    ("email", "password", "status"),
    [
        pytest.param("robin@lender.example", "a good password", 302, id="right"),
        pytest.param(" Robin@Lender.example ", "a good password", 302, id="case and blanks"),
        pytest.param("robin@lender.example", "a bad password", 401, id="wrong password"),
        pytest.param("robin@lender.example", "", 401, id="no password"),
        pytest.param("nobody@lender.example", "a good password", 401, id="unknown e-mail"),
        pytest.param("", "", 401, id="empty form"),
        pytest.param("' or 1=1 --", "x", 401, id="not an e-mail"),
    ],
)
def test_only_the_right_password_opens(browser, email, password, status):
    answer = browser.log_in(email, password)
    assert answer.status_code == status
    inside = browser.get("/console/").status_code
    assert inside == (200 if status == 302 else 302)


def test_a_refusal_does_not_say_which_half_was_wrong(browser):
    def words(answer):
        return answer.text.split('role="alert">')[1].split("<")[0]

    known = browser.log_in("robin@lender.example", "wrong")
    assert words(known) == words(browser.log_in("nobody@lender.example", "wrong"))


@pytest.mark.parametrize("token", ["", "guessed", "ü"])
def test_a_form_without_its_token_is_refused(browser, token):
    browser.token()
    form = {"email": "robin@lender.example", "password": "a good password", "csrf_token": token}
    assert browser.post("/console/login", data=form).status_code == 400
    assert browser.get("/console/").status_code == 302


def test_a_token_of_before_the_log_in_is_dead_after_it(browser):
    old = browser.token()
    browser.log_in()
    assert browser.post("/console/logout", data={"csrf_token": old}).status_code == 400


def test_a_log_out_ends_the_session(agent):
    page = agent.get("/console/").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    assert agent.post("/console/logout", data={"csrf_token": token}).status_code == 302
    assert agent.get("/console/").status_code == 302


def test_an_agent_who_is_gone_is_out_at_once(agent, runtime):
    with runtime.unit_of_work() as uow:
        uow.session.delete(uow.session.get_one(Agent, 1))
        uow.commit()
    assert agent.get("/console/").status_code == 302


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(browser):
    browser.token()
    cookie = browser.log_in().headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
