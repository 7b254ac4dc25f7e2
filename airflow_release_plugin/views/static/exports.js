/* The export form: what it comes to is shown while one types; a bundle of something else is not offered as this one. */
(() => {
  "use strict";
  const form = document.getElementById("export-form");
  const names = form.elements.names;
  const before = chosen(asSent());
  let timer;
  let asked = 0;

  /* The form as the page came: after *back*, a browser fills in what was typed last. */
  function asSent() {
    const fresh = form.cloneNode(true);
    fresh.reset();
    return fresh;
  }

  function chosen({ elements }) {
    const lines = elements.names.value.split(/\r\n|\r|\n/).map((line) => line.trim()).filter(Boolean);
    const others = ["tag", "releases", "origin", "base"].map((name) => elements[name]?.value.trim() || "");
    return JSON.stringify([[...new Set(lines)], others, elements.upstream.checked]);
  }

  function showWhetherCurrent() {
    const isOld = chosen(form) !== before;
    const note = document.getElementById("export-outdated");
    if (note) note.hidden = !isOld;
    for (const offer of document.querySelectorAll("[data-current]")) offer.hidden = isOld;
  }

  async function check() {
    const number = ++asked;
    try {
      const answer = await fetch(form.dataset.match, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-CSRFToken": form.elements.csrf_token.value, "X-Requested-With": "fetch" },
      });
      if (!answer.ok || number !== asked) return;
      const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("export-match");
      if (part && number === asked) document.getElementById("export-match").replaceWith(document.adoptNode(part));
    } catch {
      return; // the next key asks again
    }
  }

  function changed() {
    showWhetherCurrent();
    clearTimeout(timer);
    timer = setTimeout(check, 400);
  }

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-replace]");
    if (!button) return;
    const lines = names.value.split(/\r\n|\r|\n/).map((line) => (line.trim() === button.dataset.replace ? button.dataset.by : line));
    names.value = lines.filter((line) => line.trim()).join("\n");
    names.focus();
    changed();
  });
  if (names.value.trim() || form.elements.tag.value.trim()) check();
  showWhetherCurrent();
  new MutationObserver(showWhetherCurrent).observe(document.body, { childList: true, subtree: true });
})();
