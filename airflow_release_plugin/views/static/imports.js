/* Imports: what was checked is applied only as it was checked; and a bundle file is sent in parts. */
(() => {
  "use strict";
  document.addEventListener("input", (event) => {
    if (!event.target.closest("form[data-outdates]")) return;
    for (const note of document.querySelectorAll("[data-outdated]")) note.hidden = false;
    for (const button of document.querySelectorAll("[data-applies]")) button.disabled = true;
  });
})();

/* After a lost connection, or when the same file is chosen again, the rest of the file follows. */
(() => {
  "use strict";
  const form = document.getElementById("upload-form");
  if (!form) return;
  const zone = form.querySelector("[data-drop]");
  const input = form.elements.file;
  const note = form.querySelector("[data-note]");
  const problem = form.querySelector("[data-problem]");
  const line = form.querySelector("[data-progress]");
  const button = form.querySelector("button[type=submit]");
  const unfinished = [...form.querySelectorAll("[data-unfinished]")].map((each) => ({ ...each.dataset }));
  const MOST_TRIES = 8;
  zone.classList.add("scripted");

  function size(bytes) {
    const units = ["B", "KiB", "MiB", "GiB"];
    const step = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
    return `${(bytes / 1024 ** step).toFixed(step ? 1 : 0)} ${units[step]}`;
  }

  function filled(text, done, total) {
    return text.replace("{done}", size(done)).replace("{total}", size(total));
  }

  function complain(text) {
    problem.hidden = !text;
    problem.querySelector("span").textContent = text;
  }

  function begun(file) {
    return unfinished.find((each) => each.name === file.name && Number(each.size) === file.size);
  }

  function showChosen() {
    const [file] = input.files;
    complain("");
    if (!file) return;
    zone.querySelector("[data-chosen]").textContent = `${file.name} (${size(file.size)})`;
    const before = begun(file);
    if (before) note.textContent = filled(form.dataset.goingOn, Number(before.received), file.size);
  }

  function show(done, total, text) {
    line.hidden = false;
    line.querySelector("progress").max = total;
    line.querySelector("progress").value = done;
    line.querySelector("span").textContent = text || filled(form.dataset.done, done, total);
  }

  class Refused extends Error {}

  /* JSON of an answer; what the server refuses is an error with its words, anything else may be tried again. */
  async function ask(address, options = {}) {
    const answer = await fetch(address, {
      ...options,
      headers: { "X-CSRFToken": form.elements.csrf_token.value, "X-Requested-With": "fetch" },
    });
    if (answer.ok) return answer.json();
    if (answer.status === 401) throw new Refused(form.dataset.noLogin);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const words = page.querySelector("[data-error-code] p")?.textContent || answer.statusText;
    throw answer.status >= 500 ? new Error(words) : new Refused(words);
  }

  async function begin(file) {
    const before = begun(file);
    if (before) return ask(`${form.dataset.imports}${before.unfinished}/received`);
    const body = new URLSearchParams({ file_name: file.name, file_size: file.size });
    return ask(form.dataset.begin, { method: "POST", body });
  }

  async function send(file) {
    let { id, received } = await begin(file);
    let tries = 0;
    while (received < file.size) {
      show(received, file.size);
      const body = file.slice(received, received + Number(form.dataset.part));
      try {
        ({ received } = await ask(`${form.dataset.imports}${id}/append?offset=${received}`, { method: "POST", body }));
        tries = 0;
      } catch (error) {
        if (error instanceof Refused || ++tries > MOST_TRIES) throw error;
        show(received, file.size, form.dataset.lost);
        await new Promise((done) => setTimeout(done, Math.min(2 ** tries, 30) * 500));
        // The part may be there although the answer was lost.
        received = (await ask(`${form.dataset.imports}${id}/received`).catch(() => ({ received }))).received;
      }
    }
    return id;
  }

  async function upload(event) {
    const [file] = input.files;
    event.preventDefault();
    complain("");
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      const id = await send(file);
      show(file.size, file.size, form.dataset.looking);
      const last = document.getElementById("complete-form");
      last.action = `${form.dataset.imports}${id}/complete`;
      last.submit();
    } catch (error) {
      line.hidden = true;
      complain(error instanceof Refused ? error.message : `${error.message} ${form.dataset.gone}`);
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
  }

  input.addEventListener("change", showChosen);
  form.addEventListener("submit", upload);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    showChosen();
  });
  showChosen();
})();
