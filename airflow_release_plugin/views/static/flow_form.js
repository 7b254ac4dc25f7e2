/* The form of a flow: one step at a time, parts that come and go, names as chips, and what it does in words. */
(() => {
  "use strict";
  const form = document.getElementById("flow-form");
  if (!form) return;
  const fields = () => document.getElementById("flow-fields");
  const announcer = document.getElementById("announcer");
  const steps = [...form.querySelectorAll("[data-go]")].map((link) => link.dataset.go);
  let current = steps[0];
  let timer = null;
  let asked = 0;

  /* Steps */
  function show(step, focus = false) {
    current = steps.includes(step) ? step : steps[0];
    for (const section of form.querySelectorAll("[data-step]")) section.hidden = section.dataset.step !== current;
    for (const link of form.querySelectorAll("[data-go]")) {
      if (link.dataset.go === current) link.setAttribute("aria-current", "step");
      else link.removeAttribute("aria-current");
    }
    const index = steps.indexOf(current);
    const [back, next] = form.querySelectorAll("[data-step-by]");
    back.hidden = false;
    next.hidden = false;
    back.disabled = index === 0;
    next.disabled = index === steps.length - 1;
    if (focus) {
      form.querySelector(`[data-go="${current}"]`).scrollIntoView({ block: "nearest", inline: "nearest" });
      document.getElementById(`title-${current}`).focus();
    }
  }

  function go(by) {
    show(steps[Math.min(Math.max(steps.indexOf(current) + by, 0), steps.length - 1)], true);
  }

  /* Names: what was chosen as chips, the field itself for the next one */
  function enhance(input) {
    const names = input.value.split(",").map((name) => name.trim()).filter(Boolean);
    const hidden = document.createElement("input");
    hidden.type = "hidden";
    hidden.name = input.name;
    hidden.value = names.join(", ");
    input.removeAttribute("name");
    input.value = "";
    const box = document.createElement("span");
    box.className = "chip-box";
    input.before(hidden, box);
    const label = input.closest("label").querySelector("span").textContent;

    function write() {
      hidden.value = names.join(", ");
      draw();
      schedule();
    }
    function draw() {
      box.replaceChildren(...names.map((name, index) => {
        const chip = document.createElement("span");
        chip.className = "chip";
        chip.append(name);
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-label", `${input.dataset.remove} ${name} (${label})`);
        button.textContent = "×";
        button.addEventListener("click", (event) => {
          event.preventDefault();
          names.splice(index, 1);
          write();
          input.focus();
        });
        chip.append(button);
        return chip;
      }));
    }
    function take() {
      for (const name of input.value.split(",").map((text) => text.trim())) if (name && !names.includes(name)) names.push(name);
      input.value = "";
      write();
    }
    input.addEventListener("keydown", (event) => {
      if (event.key === "Backspace" && !input.value && names.length) {
        names.pop();
        write();
      }
      if ((event.key !== "Enter" && event.key !== ",") || !input.value.trim()) return;
      event.preventDefault();
      event.stopPropagation();
      take();
    });
    input.addEventListener("change", take);
    input.addEventListener("pick", (event) => {
      event.preventDefault();
      input.value = event.detail;
      take();
    });
    draw();
  }

  function enhanceAll() {
    form.querySelectorAll("input[data-names][name]").forEach(enhance);
  }

  /* Parts that come and go: the server answers with the form as it would be */
  async function post(address, extra) {
    const data = new FormData(form);
    for (const [key, value] of extra) data.append(key, value);
    const answer = await fetch(address, { method: "POST", body: data, headers: { "X-CSRFToken": form.elements.csrf_token.value } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) throw new Error(page.querySelector(".error-page p")?.textContent || answer.statusText);
    return page;
  }

  async function press(button) {
    const deed = button.value;
    const label = button.getAttribute("aria-label") || button.textContent.trim();
    let page;
    try {
      page = await post(form.dataset.draft, [["do", deed]]);
    } catch (error) {
      announcer.textContent = error.message;
      return;
    }
    fields().replaceWith(document.adoptNode(page.getElementById("flow-fields")));
    takePreview(page);
    enhanceAll();
    show(current);
    announcer.textContent = label;
    focusAfter(deed);
  }

  function focusAfter(deed) {
    const [verb, path] = deed.split(":");
    const parts = path.split(".");
    const index = Number(parts.at(-1));
    let target = null;
    if (verb === "add") {
      const all = fields().querySelectorAll(`[data-part^="${path}."]`);
      const own = [...all].filter((part) => part.dataset.part.split(".").length === parts.length + 1);
      target = own.at(-1)?.querySelector("input:not([type=hidden]), select");
    } else if (verb === "up" || verb === "down") {
      const moved = [...parts.slice(0, -1), String(verb === "up" ? index - 1 : index + 1)].join(".");
      target = fields().querySelector(`button[value="${verb}:${moved}"]:enabled`) || fields().querySelector(`[data-part="${moved}"] button:enabled`);
    } else target = fields().querySelector(`button[value="add:${parts.slice(0, -1).join(".")}"]`);
    target?.focus();
    target?.scrollIntoView({ block: "nearest" });
  }

  /* What it does, in words */
  function takePreview(page) {
    const fresh = page.getElementById("flow-preview");
    if (!fresh) return;
    const old = document.getElementById("flow-preview");
    if (old.textContent !== fresh.textContent) old.replaceChildren(...document.adoptNode(fresh.cloneNode(true)).childNodes);
    const problems = fresh.dataset.problemSteps.split(" ");
    for (const mark of form.querySelectorAll("[data-mark]")) mark.hidden = !problems.includes(mark.dataset.mark);
    for (const place of form.querySelectorAll("[data-problems]")) {
      const step = place.dataset.problems;
      place.replaceChildren(...[...fresh.querySelectorAll(`[data-problem="${step}"], [data-warning="${step}"]`)].map((text) => text.cloneNode(true)));
    }
  }

  async function refresh() {
    const number = ++asked;
    try {
      const page = await post(form.dataset.preview, []);
      if (number === asked) takePreview(page);
    } catch {
      return; // the next keystroke asks again, and saving says what is wrong
    }
  }

  function schedule() {
    clearTimeout(timer);
    timer = setTimeout(refresh, 400);
  }

  form.addEventListener("click", (event) => {
    const target = event.target.closest("[data-go], [data-step-by], button[name=do]");
    if (!target) return;
    event.preventDefault();
    if (target.dataset.go) show(target.dataset.go, true);
    else if (target.dataset.stepBy) go(Number(target.dataset.stepBy));
    else press(target);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input:not([type=checkbox])")) return;
    event.preventDefault();
    go(1);
  });
  form.addEventListener("input", schedule);
  form.addEventListener("change", schedule);
  enhanceAll();
  const first = form.querySelector("[data-mark]:not([hidden])");
  show(first ? first.dataset.mark : window.location.hash.replace("#step-", ""));
  form.classList.add("stepped");
})();
