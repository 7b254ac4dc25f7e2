/* What was typed into a form stays in this tab until it was sent: an expired login costs no words. */
(() => {
  "use strict";
  const SENDING = "release.draft.sending";
  const FIELDS = "textarea[name], select[name], input[name]:not([type=hidden], [type=password], [type=file])";
  const { user } = document.documentElement.dataset;

  /* By person and page; a name without a # is the same on several pages. */
  function keyOf(form) {
    const name = form.dataset.keptAs;
    return `release.draft.${user}.${name.startsWith("#") ? window.location.pathname : ""}${name}`;
  }

  function isBox(field) {
    return field.type === "checkbox" || field.type === "radio";
  }

  /* Fields by names of their own, as several may share one. */
  function fieldsOf(form) {
    const found = new Map();
    for (const field of form.querySelectorAll(FIELDS)) {
      let name = isBox(field) ? `${field.name}=${field.value}` : field.name;
      while (found.has(name)) name += "+";
      found.set(name, field);
    }
    return found;
  }

  function valueOf(field) {
    return isBox(field) ? field.checked : field.value;
  }

  function untouched(field) {
    if (isBox(field)) return field.defaultChecked;
    if (field.options) return ([...field.options].find((option) => option.defaultSelected) ?? field.options[0])?.value;
    return field.defaultValue;
  }

  function keep(form) {
    const typed = [...fieldsOf(form)].filter(([, field]) => valueOf(field) !== untouched(field));
    if (!typed.length) return sessionStorage.removeItem(keyOf(form));
    try {
      sessionStorage.setItem(keyOf(form), JSON.stringify(typed.map(([name, field]) => [name, valueOf(field)])));
    } catch {
      return; // no room: what is in the form is still there
    }
  }

  function read(form) {
    try {
      return JSON.parse(sessionStorage.getItem(keyOf(form)) || "[]");
    } catch {
      return [];
    }
  }

  function bringBack(form) {
    const fields = fieldsOf(form);
    let changed = false;
    for (const [name, value] of read(form)) {
      const field = fields.get(name);
      if (!field || valueOf(field) === value) continue;
      if (isBox(field)) field.checked = value;
      else field.value = value;
      changed = true;
    }
    if (changed && !form.querySelector("[data-kept]")) {
      form.prepend(document.getElementById("draft-back").content.cloneNode(true));
      const folded = form.closest("details");
      if (folded) folded.open = true;
    }
  }

  function bringAllBack() {
    document.querySelectorAll("form[data-kept-as]").forEach(bringBack);
  }

  // Whatever the answer was: an error or a refusal changed nothing, and the words are still wanted.
  const sent = sessionStorage.getItem(SENDING);
  sessionStorage.removeItem(SENDING);
  if (sent && !document.querySelector(".error-page, [data-refused]")) sessionStorage.removeItem(sent);
  if (!user) return;

  for (const name of ["input", "change"]) {
    document.addEventListener(name, (event) => {
      if (event.target.form && "keptAs" in event.target.form.dataset) keep(event.target.form);
    });
  }
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && "keptAs" in event.target.dataset) sessionStorage.setItem(SENDING, keyOf(event.target));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-discard-draft]");
    if (!button) return;
    const { form } = button;
    sessionStorage.removeItem(keyOf(form));
    form.reset();
    for (const field of form.querySelectorAll("textarea")) field.dispatchEvent(new Event("input", { bubbles: true }));
    button.closest("[data-kept]").remove();
  });
  document.addEventListener("release:swapped", bringAllBack);
  bringAllBack();
})();
