"use strict";
// What cannot be done without a script: copying, and putting the cursor where something is wrong.
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    const said = document.getElementById(button.getAttribute("aria-describedby"));
    try {
      await navigator.clipboard.writeText(source.textContent);
      said.textContent = button.dataset.copied;
      button.classList.add("copied");
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      said.textContent = button.dataset.failed;
    }
  });
}
document.querySelector(".wrong-summary, .unknown")?.focus();
// What was done is said once, and not again when the page is loaded again.
const here = new URL(location);
if (here.searchParams.has("done")) {
  here.searchParams.delete("done");
  history.replaceState(history.state, "", here);
}
// A menu closes as menus do: with Escape, and when something else is pressed.
for (const menu of document.querySelectorAll("details.me")) {
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
}
// A file is read here, so that its form is sent as any other.
for (const field of document.querySelectorAll("[data-with-script]")) field.hidden = false;
for (const input of document.querySelectorAll("input[type=file]")) {
  const into = document.getElementById(input.dataset.into);
  const said = document.getElementById(`${input.id}-said`);
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    const most = Number(input.dataset.most);
    const text = file.size <= most ? await file.text() : "";
    // As the form sends it, in which some characters are three, and some nine.
    const sent = new URLSearchParams({ text: text.replace(/\r?\n/g, "\r\n") }).toString();
    const fits = file.size <= most && sent.length <= most;
    if (fits) into.value = text;
    said.textContent = fits ? input.dataset.taken : input.dataset.large;
  });
}
// What goes on just now is fetched anew while somebody looks, for ten minutes at a time: whoever leaves a page
// open does not stay signed in by that.
for (const button of document.querySelectorAll("button[data-live]")) {
  const part = document.getElementById(button.dataset.live);
  let left = 0;
  const run = (times) => {
    left = times;
    button.textContent = times ? button.dataset.stop : button.dataset.goOn;
  };
  button.hidden = false;
  run(120);
  button.addEventListener("click", () => run(left ? 0 : 120));
  setInterval(async () => {
    // Nobody who reads or holds something in it has it taken away.
    const held = part.contains(document.activeElement) || part.querySelector("details[open]");
    if (!left || document.hidden || held) return;
    try {
      const answer = await fetch(`/${button.dataset.live}`, { redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      part.replaceChildren(...fresh.body.childNodes);
      if (--left === 0) run(0);
    } catch {
      run(0);
    }
  }, 5000);
}
// What can be chosen is found while somebody types; a secret that is pasted by mistake is sent nowhere.
const SECRET = /tg_[0-9A-Za-z]{30,}/;
for (const input of document.querySelectorAll("input[data-suggest]")) {
  const list = input.list;
  let wait = 0;
  input.addEventListener("input", () => {
    clearTimeout(wait);
    const text = input.value;
    if (SECRET.test(text)) return;
    wait = setTimeout(async () => {
      const asked = new URLSearchParams({ text });
      const answer = await fetch(`${input.dataset.suggest}?${asked}`, { redirect: "error" }).catch(() => null);
      if (!answer?.ok || input.value !== text) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      list.replaceChildren(...fresh.querySelectorAll("option"));
    }, 200);
  });
}
// A secret that is searched for does not stand in an address: it is sent in the body of a form.
for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("submit", (event) => {
    const typed = [...new FormData(form).values()].join("\n");
    const csrf = document.querySelector("input[name=csrf]");
    if (!SECRET.test(typed) || !csrf) return;
    event.preventDefault();
    const other = document.createElement("form");
    other.method = "post";
    other.action = "/tokens/find";
    for (const [name, value] of [["csrf", csrf.value], ["text", SECRET.exec(typed)[0]]]) {
      const field = document.createElement("input");
      Object.assign(field, { type: "hidden", name, value });
      other.append(field);
    }
    document.body.append(other);
    other.submit();
  });
}
// The light changes at once, and nothing that was typed is lost; the language asks, where something would be.
const look = document.querySelector("form.look");
const theme = look?.elements.namedItem("theme");
theme?.addEventListener("change", () => {
  document.documentElement.dataset.theme = theme.value;
  fetch(look.action, { method: "POST", body: new URLSearchParams({ theme: theme.value }), redirect: "manual" })
    .catch(() => null);
});
const changed = (field) => {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (!field.options) return field.value !== field.defaultValue;
  const first = [...field.options].findIndex((option) => option.defaultSelected);
  return field.selectedIndex !== Math.max(first, 0);
};
look?.addEventListener("submit", (event) => {
  const forms = [...document.querySelectorAll("form[method=post]")].filter((form) => form !== look);
  const fields = forms.flatMap((form) => [...form.querySelectorAll("input:not([type=hidden]), select, textarea")]);
  // What was sent and is shown again would be lost too.
  const typed = "typed" in look.dataset || fields.some(changed);
  if (typed && !confirm(look.dataset.ask)) event.preventDefault();
});
// A form is sent once, however often its button is pressed.
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
// What is empty does not stand in the address of a list.
for (const form of document.querySelectorAll("form[method=get]")) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name);
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
