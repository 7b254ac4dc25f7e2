/* Fields that search while one types: the server answers with options, of which one is chosen. */
(() => {
  "use strict";
  const PAUSE = 150;
  const known = new WeakSet();

  /* A field whose options are links leads there; another one takes the value of an option, and any other text. */
  class Combobox {
    constructor(input) {
      this.input = input;
      this.panel = input.closest("[data-combobox]")?.querySelector("[data-panel]") || input.closest("[data-panel]");
      this.list = this.panel.querySelector("[role=listbox]");
      this.message = this.panel.querySelector("[role=status]");
      this.hint = this.message.textContent.trim();
      this.isPopup = !this.panel.contains(input);
      this.asked = 0;
      this.active = -1;
      input.removeAttribute("list");
      input.setAttribute("role", "combobox");
      input.setAttribute("aria-autocomplete", "list");
      input.setAttribute("aria-controls", this.list.id);
      input.setAttribute("aria-expanded", "false");
      input.addEventListener("input", () => this.schedule());
      input.addEventListener("keydown", (event) => this.press(event), true);
      input.addEventListener("blur", () => this.close());
      // A press would take the focus from the field, which then would take what was typed so far.
      this.panel.addEventListener("mousedown", (event) => event.target !== input && event.preventDefault());
      this.panel.addEventListener("click", (event) => this.click(event));
    }

    get options() {
      return [...this.list.querySelectorAll("[role=option]")];
    }

    schedule() {
      clearTimeout(this.timer);
      this.asked += 1; // what is still to come answers an older text
      this.isWanted = this.isStepped = false;
      if (!this.input.value.trim()) this.clear();
      else this.timer = setTimeout(() => this.ask(), PAUSE);
    }

    async ask() {
      clearTimeout(this.timer);
      const number = ++this.asked;
      const address = new URL(this.input.dataset.options, window.location.href);
      address.searchParams.set("q", this.input.value.trim());
      try {
        const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
        if (!answer.ok) throw new Error(answer.statusText);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (number === this.asked) this.show(page);
      } catch {
        if (number === this.asked) this.fail();
      }
    }

    show(page) {
      const found = [...page.querySelectorAll("[role=group]")];
      this.list.replaceChildren(...(found.length ? found : page.querySelectorAll("[role=option]")));
      this.options.forEach((option, index) => (option.id = `${this.list.id}-${index}`));
      this.message.textContent = page.querySelector("[data-message]").textContent.trim();
      this.open();
      this.mark(this.isPopup && !this.isStepped ? -1 : 0); // Enter takes what was typed, until an arrow chose
      this.isStepped = false;
      if (this.isWanted && this.options.length) this.choose(this.options[0]);
      this.isWanted = false;
    }

    fail() {
      this.list.replaceChildren();
      this.message.textContent = this.message.dataset.lost;
      this.open();
      this.mark(-1);
    }

    clear() {
      this.list.replaceChildren();
      this.message.textContent = this.hint;
      this.mark(-1);
      this.close();
      if (!this.isPopup) this.open();
    }

    open() {
      const isOpen = this.options.length > 0;
      this.list.hidden = !isOpen;
      this.input.setAttribute("aria-expanded", String(isOpen));
      if (this.isPopup) this.panel.hidden = document.activeElement !== this.input;
    }

    close() {
      if (!this.isPopup) return;
      clearTimeout(this.timer);
      this.asked += 1;
      this.panel.hidden = true;
      this.mark(-1);
      this.input.setAttribute("aria-expanded", "false");
    }

    mark(index) {
      this.active = index < this.options.length ? index : -1;
      this.options.forEach((option, place) => option.setAttribute("aria-selected", String(place === this.active)));
      const option = this.options[this.active];
      if (option) this.input.setAttribute("aria-activedescendant", option.id);
      else this.input.removeAttribute("aria-activedescendant");
      option?.scrollIntoView({ block: "nearest" });
    }

    choose(option) {
      if (option.href) return option.click();
      const value = option.dataset.value;
      this.close();
      const pick = new CustomEvent("pick", { detail: value, bubbles: true, cancelable: true });
      if (!this.input.dispatchEvent(pick)) return;
      this.input.value = value;
      this.input.dispatchEvent(new Event("change", { bubbles: true }));
    }

    click(event) {
      const option = event.target.closest("[role=option]");
      if (!option || option.href) return;
      event.preventDefault();
      this.choose(option);
    }

    press(event) {
      const isOpen = this.options.length > 0 && !this.panel.hidden;
      if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") this.step(event.key === "ArrowDown" ? 1 : -1, isOpen);
      else if (event.key === "Enter" && isOpen && this.active >= 0) this.choose(this.options[this.active]);
      else if (event.key === "Enter" && !this.isPopup) this.isWanted = true; // as soon as the answer is here
      else if (event.key === "Escape" && this.isPopup && !this.panel.hidden) this.close();
      else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    }

    step(by, isOpen) {
      if (!isOpen) {
        this.isStepped = true;
        if (this.isPopup) this.ask();
        return;
      }
      const count = this.options.length;
      this.mark((this.active + by + (this.active < 0 && by < 0 ? 1 : 0) + count) % count);
    }
  }

  document.addEventListener("focusin", (event) => {
    const input = event.target;
    if (!input.matches("input[data-options]") || known.has(input)) return;
    known.add(input);
    new Combobox(input);
  });

  /* The box of the section, with the keys of Airflow's own: not while somebody types elsewhere. */
  const box = document.getElementById("quick-search");
  if (!box) return;
  const button = document.querySelector("[data-opens-search]");
  const text = document.getElementById("quick-search-text");
  const keys = button.querySelector("kbd");
  if (/mac|iphone|ipad/i.test(navigator.platform)) keys.textContent = keys.dataset.apple;

  function openBox() {
    if (document.querySelector("dialog[open]")) return;
    box.showModal();
    text.focus();
    text.select();
  }

  button.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openBox();
  });
  box.addEventListener("click", (event) => event.target === box && box.close());
  document.addEventListener("keydown", (event) => {
    const isAsked = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isAsked || event.target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    openBox();
  });
  window.addEventListener("pageshow", (event) => event.persisted && box.close());
})();
