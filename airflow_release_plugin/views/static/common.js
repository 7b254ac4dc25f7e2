/* Behaviour of the pages: dialogs, forms that are sent once, times, links out of the frame, live regions. */
(() => {
  "use strict";
  const DAY = 86400;
  const UNITS = [["day", DAY], ["hour", 3600], ["minute", 60]];
  const language = document.documentElement.lang || "en";
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

  function timezone() {
    const stored = (localStorage.getItem("timezone") || "").replaceAll('"', "");
    try {
      new Intl.DateTimeFormat(language, { timeZone: stored });
      return stored || undefined;
    } catch {
      return undefined;
    }
  }

  /* Near moments by their distance; what is more than a week ahead and what is long past by their date. */
  function inWords(moment, timeZone) {
    const seconds = (moment.getTime() - Date.now()) / 1000;
    if (seconds > 7 * DAY) return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone }).format(moment);
    if (seconds < -30 * DAY) return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone }).format(moment);
    const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];
    return relative.format(Math.round(seconds / size), unit);
  }

  function showTimes(scope) {
    const timeZone = timezone();
    const absolute = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "long", timeZone });
    for (const element of scope.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.dateTime);
      element.title = absolute.format(moment);
      element.textContent = inWords(moment, timeZone);
    }
  }

  function announce(text) {
    document.getElementById("announcer").textContent = text;
  }

  /* Pages of Airflow's own UI open in the window around us; the sandbox lets only that window navigate itself. */
  function openInAirflow(event, link) {
    if (window.parent === window) return;
    try {
      const outer = window.parent.document.createElement("a");
      outer.href = link.href;
      if (event.ctrlKey || event.metaKey || event.shiftKey) outer.target = "_blank";
      event.preventDefault();
      window.parent.document.body.append(outer);
      outer.click();
      outer.remove();
    } catch {
      return; // not Airflow around us: follow the link here
    }
  }

  function lock(form) {
    if (form.dataset.sent) return false;
    form.dataset.sent = "1";
    form.setAttribute("aria-busy", "true");
    // After the form was read: the button that was pressed may have a name.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
    return true;
  }

  function unlockAll() {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      form.removeAttribute("aria-busy");
      for (const button of form.querySelectorAll("button")) button.disabled = false;
    }
  }

  function updateSelection(scope) {
    const boxes = [...scope.querySelectorAll("input[data-select]")];
    const chosen = boxes.filter((box) => box.checked).length;
    const bar = scope.querySelector("[data-selection]");
    if (!bar) return;
    const limit = Number(bar.dataset.limit);
    bar.hidden = chosen === 0;
    bar.querySelector("[data-selected]").textContent = chosen;
    bar.querySelector("[data-too-many]").hidden = chosen <= limit;
    for (const button of bar.querySelectorAll("button")) button.disabled = chosen > limit;
    const all = scope.querySelector("input[data-select-all]");
    if (!all) return;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  }

  /* A comparison takes two: until two are ticked the button waits, and the hint says so. */
  function updateCompare(form) {
    const button = form.querySelector("[data-compare-button]");
    if (!button) return;
    button.disabled = form.querySelectorAll("input[name=versions]:checked").length !== 2;
    form.querySelector("[data-compare-hint]").hidden = !button.disabled;
  }

  /* The same address with what the form holds: some choices change what can be chosen elsewhere. */
  function reloadWith(form) {
    const query = new URLSearchParams(new FormData(form));
    query.delete("csrf_token");
    const at = form.dataset.reloadAt || window.location.pathname.replace(/create$/, "new");
    window.location.replace(`${at}?${query}${form.dataset.reloadAt ? `#${form.id}` : ""}`);
  }

  /* Checkboxes of which at least one must be ticked: the browser says so at the first of them. */
  function requireOne(choices) {
    const boxes = [...choices.querySelectorAll("input[type=checkbox]")];
    boxes[0].setCustomValidity(boxes.some((box) => box.checked) ? "" : choices.dataset.requireOne);
  }

  /* Only rejecting needs a reason: the button says which field it needs. */
  function requireFor(button) {
    for (const other of button.form.querySelectorAll("button[data-needs]")) {
      button.form.elements[other.dataset.needs].required = other === button;
    }
  }

  /* A dialog about several things names them. */
  function openDialog(dialog) {
    const list = dialog.querySelector("[data-chosen-names]");
    const boxes = list ? (dialog.closest("[data-selectable]") || document).querySelectorAll("input[data-select]:checked") : [];
    list?.replaceChildren(...[...boxes].map((box) => {
      const item = document.createElement("li");
      item.textContent = box.dataset.name;
      return item;
    }));
    dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const submit = event.target.closest("button[type=submit]");
    if (submit?.form) requireFor(submit);
    const target = event.target.closest("[data-dialog], [data-close], [data-dismiss], [data-back], a[data-airflow]");
    if (!target) return;
    if (target.dataset.dialog) {
      if (!target.form || target.form.reportValidity()) openDialog(document.getElementById(target.dataset.dialog));
    } else if ("close" in target.dataset) target.closest("dialog").close();
    else if ("dismiss" in target.dataset) target.parentElement.remove();
    else if ("back" in target.dataset) window.history.back();
    else openInAirflow(event, target);
  });
  document.addEventListener("submit", (event) => {
    // Enter in a field presses a button that nobody has seen yet: ask first.
    const unasked = event.submitter?.closest("dialog:not([open])");
    if (unasked) {
      event.preventDefault();
      openDialog(unasked);
    } else if ("once" in event.target.dataset && !lock(event.target)) event.preventDefault();
    else if ("endsSelection" in event.target.dataset) sessionStorage.removeItem("release.selection");
  });
  document.addEventListener("change", (event) => {
    const target = event.target;
    const filters = target.closest("form[data-filters]");
    if (filters && target.matches("select, input[type=date]")) filters.requestSubmit();
    if ("reload" in target.dataset) reloadWith(target.form);
    if (target.name === "versions") updateCompare(target.form);
    const choices = target.closest("[data-require-one]");
    if (choices) requireOne(choices);
    const scope = target.closest("[data-selectable]");
    if (!scope) return;
    if ("selectAll" in target.dataset) for (const box of scope.querySelectorAll("input[data-select]")) box.checked = target.checked;
    updateSelection(scope);
  });
  window.addEventListener("pageshow", () => {
    unlockAll();
    document.querySelectorAll("[data-selectable]").forEach(updateSelection);
    document.querySelectorAll("form[data-compare]").forEach(updateCompare);
    document.querySelectorAll("[data-require-one]").forEach(requireOne);
  });

  class Live {
    constructor(element) {
      this.id = element.id;
      this.failures = 0;
      this.schedule();
      document.addEventListener("visibilitychange", () => this.resume());
    }

    get element() {
      return document.getElementById(this.id);
    }

    schedule() {
      clearTimeout(this.timer);
      const seconds = Number(this.element.dataset.liveSeconds || 4) * Math.min(2 ** this.failures, 8);
      this.timer = setTimeout(() => this.tick(), seconds * 1000);
    }

    resume() {
      if (!document.hidden && this.element.dataset.live) this.tick();
    }

    busy() {
      const isTyping = document.activeElement.matches("input, textarea, select") && this.element.contains(document.activeElement);
      return document.hidden || isTyping || this.element.querySelector("dialog[open]");
    }

    async tick() {
      if (!this.busy()) await this.refresh();
      if (this.element.dataset.live) this.schedule();
    }

    async refresh() {
      try {
        const answer = await fetch(this.element.dataset.live, { headers: { "X-Requested-With": "fetch" } });
        if (answer.status === 401) return window.location.reload();
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById(this.id);
        if (!fresh) throw new Error("The answer lacks the region");
        this.failures = 0;
        this.notice().hidden = true;
        if (!this.busy()) this.swap(fresh);
      } catch {
        this.failures += 1;
        this.notice().hidden = false;
      }
    }

    swap(fresh) {
      const before = this.element.dataset.announce;
      for (const part of this.element.querySelectorAll("details[id]")) {
        const twin = fresh.querySelector(`#${CSS.escape(part.id)}`);
        if (twin) twin.open = part.open;
      }
      const scrolled = [...this.element.querySelectorAll("nav[id]")].map((part) => [part.id, part.scrollLeft]);
      const focused = this.focusable(this.element).indexOf(document.activeElement);
      const text = document.activeElement.textContent;
      this.element.replaceWith(document.adoptNode(fresh));
      for (const [id, left] of scrolled) document.getElementById(id)?.scrollTo({ left });
      showTimes(this.element);
      document.dispatchEvent(new Event("release:swapped"));
      const twin = this.focusable(this.element)[focused];
      if (twin?.textContent === text) twin.focus({ preventScroll: true });
      if (this.element.dataset.announce !== before) announce(this.element.dataset.announce);
    }

    focusable(region) {
      return [...region.querySelectorAll("a[href], button, summary")];
    }

    notice() {
      let notice = document.getElementById(`${this.id}-lost`);
      if (!notice) {
        notice = document.createElement("p");
        notice.id = `${this.id}-lost`;
        notice.className = "flash warning";
        notice.setAttribute("role", "status");
        notice.textContent = this.element.dataset.lost;
        notice.hidden = true;
        this.element.before(notice);
      }
      return notice;
    }
  }

  const narrow = window.matchMedia("(max-width: 640px)");
  for (const box of document.querySelectorAll("[data-filter-box]")) {
    const isUsed = [...box.querySelectorAll("select, input")].some((field) => field.value);
    const fit = () => (box.open = !narrow.matches || isUsed);
    narrow.addEventListener("change", fit);
    fit();
  }
  for (const button of document.querySelectorAll("[data-back]")) button.hidden = window.history.length < 2;
  for (const field of document.querySelectorAll("input[data-own-zone]")) {
    field.value = timezone() || Intl.DateTimeFormat().resolvedOptions().timeZone || field.value;
  }
  for (const tab of document.querySelectorAll(".tabs [aria-current]")) {
    const row = tab.parentElement.getBoundingClientRect();
    const box = tab.getBoundingClientRect();
    tab.parentElement.scrollLeft += box.left + box.width / 2 - row.left - row.width / 2;
  }
  showTimes(document);
  setInterval(() => showTimes(document), 30000);
  document.querySelectorAll("[data-live]").forEach((element) => new Live(element));
})();
