// The phone simulator: sends what is typed, and shows once a second what has come of it.
"use strict";

const stage = document.querySelector("[data-simulator]");
const composer = stage.querySelector("[data-composer]");
const box = composer.elements.namedItem("text");
const lose = composer.elements.namedItem("lose");
const count = composer.querySelector("[data-count]");
const thread = stage.querySelector("[data-part=thread]");
const still = matchMedia("(prefers-reduced-motion: reduce)");

const ARRIVAL = [{ opacity: 0, translate: "0 8px" }, { opacity: 1, translate: "0 0" }];

const post = (url, data) =>
  fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(data),
  });

// Keep what has not changed, so that nothing flickers and a selection survives.
function patch(part, fresh) {
  const known = new Map([...part.children].map((node) => [node.dataset.key, node]));
  const arrived = [];
  const nodes = [...fresh.children].map((node) => {
    const before = known.get(node.dataset.key);
    if (before && before.isEqualNode(node)) return before;
    if (!before) arrived.push(node);
    return node;
  });
  const same = nodes.length === part.children.length && nodes.every((n, i) => n === part.children[i]);
  if (!same) part.replaceChildren(...nodes);
  // Only now: begun in the parsed document, which has no clock, it would never get past its start.
  if (!still.matches) arrived.forEach((node) => node.animate(ARRIVAL, 180));
  return !same;
}

const atEnd = () => thread.scrollHeight - thread.scrollTop - thread.clientHeight < 60;
const toTheEnd = () => thread.scrollTo({ top: thread.scrollHeight });

let shown = "";
let asking = null;

async function show() {
  const answer = await fetch(stage.dataset.screen);
  if (!answer.ok) return;
  const html = await answer.text();
  if (html === shown) return;
  shown = html;
  const follow = atEnd();
  const page = new DOMParser().parseFromString(html, "text/html");
  for (const fresh of page.querySelectorAll("[data-part]")) {
    patch(stage.querySelector(`[data-part="${fresh.dataset.part}"]`), fresh);
  }
  if (follow) toTheEnd();
}

function refresh() {
  asking ??= show().catch(() => {}).finally(() => { asking = null; });
  return asking;
}

function grow() {
  const follow = atEnd();
  box.style.height = "auto";
  box.style.height = `${Math.min(box.scrollHeight, 140)}px`;
  if (follow) toTheEnd();
}

let counting = 0;

function typed() {
  grow();
  clearTimeout(counting);
  counting = setTimeout(async () => {
    const text = box.value;
    const characters = `${[...text].length} character${[...text].length === 1 ? "" : "s"}`;
    count.textContent = characters;
    if (!text) return;
    const answer = await post(stage.dataset.segments, { text }).catch(() => null);
    if (!answer || !answer.ok || text !== box.value) return;
    const cost = await answer.json();
    const parts = `${cost.count} segment${cost.count === 1 ? "" : "s"}`;
    count.textContent = `${characters} · ${parts} · ${cost.encoding}`;
  }, 120);
}

function complain(sentence) {
  const notice = document.createElement("p");
  notice.className = "notice bad";
  notice.role = "alert";
  notice.textContent = sentence;
  stage.querySelector("[data-part=notice]").replaceChildren(notice);
  shown = "";
}

composer.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = box.value;
  if (!text.trim()) return;
  const button = composer.querySelector(".send");
  button.disabled = true;
  try {
    const answer = await post(stage.dataset.send, { text, lose: lose.checked });
    if (answer.ok) {
      box.value = "";
      lose.checked = false;
      typed();
      await asking;
      await refresh();
      toTheEnd();
    } else {
      const problem = await answer.json().catch(() => ({}));
      complain(problem.error || "The text was not sent.");
    }
  } catch {
    complain("The web server does not answer.");
  } finally {
    button.disabled = false;
    box.focus();
  }
});

box.addEventListener("input", typed);
box.addEventListener("keydown", (event) => {
  // Enter also ends the choice of a Chinese character: that one is not for us.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    composer.requestSubmit();
  }
});

stage.querySelector(".chips").addEventListener("click", (event) => {
  const chip = event.target.closest("[data-text]");
  if (!chip) return;
  box.value = chip.dataset.text;
  typed();
  box.focus();
});

toTheEnd();
stage.querySelector(".person[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
setInterval(() => document.hidden || refresh(), 1000);
