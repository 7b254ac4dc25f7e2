/* The selection of the to-be-released list: survives paging, filters and a reload, as long as the tab is open. */
(() => {
  "use strict";
  const KEY = "release.selection";
  const list = document.querySelector("[data-candidates]");
  const bar = list.querySelector("[data-bar]");
  const limit = Number(list.dataset.limit);
  const rows = [...list.querySelectorAll("tr[data-row]")];

  function load() {
    try {
      return new Map(JSON.parse(sessionStorage.getItem(KEY) || "[]"));
    } catch {
      return new Map();
    }
  }

  let chosen = load();
  // Browsers that show a page before its scripts have run: what was ticked by then counts.
  for (const box of list.querySelectorAll("[data-pick]:checked")) {
    const row = box.closest("tr");
    chosen.set(row.dataset.row, asChoice(row));
  }

  function asChoice(row) {
    return { path: row.dataset.row, name: row.dataset.name, id: row.dataset.id || null, submit: "submit" in row.dataset };
  }

  function all() {
    return [...chosen.values()];
  }

  /* What is on the page is newer than what was remembered. */
  function freshen() {
    for (const row of rows.filter((each) => chosen.has(each.dataset.row))) {
      if (row.querySelector("[data-pick]")) chosen.set(row.dataset.row, asChoice(row));
      else chosen.delete(row.dataset.row);
    }
  }

  function show() {
    sessionStorage.setItem(KEY, JSON.stringify([...chosen]));
    const boxes = rows.flatMap((row) => [...row.querySelectorAll("[data-pick]")]);
    for (const box of boxes) box.checked = chosen.has(box.closest("tr").dataset.row);
    const picked = boxes.filter((box) => box.checked).length;
    const head = list.querySelector("[data-pick-all]");
    if (head) {
      head.checked = picked > 0 && picked === boxes.length;
      head.indeterminate = picked > 0 && picked < boxes.length;
      head.disabled = boxes.length === 0;
    }
    bar.hidden = chosen.size === 0;
    bar.querySelector("[data-count]").textContent = chosen.size;
    bar.querySelector("[data-too-many]").hidden = chosen.size <= limit;
    const total = Number(list.dataset.total);
    const isWhole = picked === boxes.length && chosen.size >= Math.min(total, limit);
    bar.querySelector("[data-choose-matching]").hidden = total <= boxes.length || isWhole;
    const isFew = chosen.size <= limit;
    bar.querySelector("[data-unsubmitted]").hidden = !isFew || all().every((each) => each.id);
    bar.querySelector("[data-create-release]").disabled = !isFew || all().some((each) => !each.id);
    bar.querySelector("[data-opens=submit-chosen]").disabled = !isFew || !all().some((each) => each.submit);
    bar.querySelector("[data-opens=remove-chosen]").disabled = !isFew || !all().some((each) => each.id);
  }

  function fill(place, values) {
    place?.replaceChildren(...values.map((value) => {
      const input = document.createElement("input");
      input.type = "hidden";
      input.name = place.dataset.inputs || place.dataset.others;
      input.value = value;
      return input;
    }));
  }

  function open(button) {
    const dialog = document.getElementById(button.dataset.opens);
    const items = "one" in button.dataset ? [asChoice(button.closest("tr"))] : all();
    const isSubmit = dialog.id === "submit-chosen";
    const meant = items.filter((each) => (isSubmit ? each.submit : each.id));
    dialog.querySelector("[data-how-many]").textContent = meant.length;
    dialog.querySelector("[data-names]").replaceChildren(...meant.map((each) => {
      const line = document.createElement("li");
      line.textContent = each.name;
      return line;
    }));
    fill(dialog.querySelector("[data-inputs]"), meant.map((each) => (isSubmit ? each.path : each.id)));
    fill(dialog.querySelector("[data-others]"), items.filter((each) => each.id && !each.submit).map((each) => each.id));
    dialog.showModal();
    if (isSubmit) preview(dialog.querySelector("form"));
  }

  /* What would be copied, as the server sees it now. */
  async function ask(form, paths) {
    const data = new FormData();
    for (const path of paths) data.append("path", path);
    const headers = { "X-CSRFToken": form.elements.csrf_token.value, "X-Requested-With": "fetch" };
    const answer = await fetch(form.dataset.previewAt, { method: "POST", body: data, headers });
    if (!answer.ok) throw new Error(answer.statusText);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("[data-submit-preview]");
  }

  let asked = 0;
  async function preview(form) {
    const mine = ++asked;
    const waits = form.querySelector("[data-preview-waits]");
    const failed = form.querySelector("[data-preview-failed]");
    const place = form.querySelector("[data-preview]");
    place.replaceChildren();
    const names = form.querySelector("[data-names]");
    names.hidden = false;
    failed.hidden = true;
    waits.hidden = false;
    suggest(form, "");
    try {
      const found = await ask(form, [...form.querySelectorAll("[data-inputs] input")].map((input) => input.value));
      if (mine !== asked) return; // the dialog is about something else by now
      place.replaceChildren(document.adoptNode(found));
      names.hidden = Boolean(found.querySelector("[data-unit]")); // each is named below, with what comes along
      suggest(form, found.dataset.suggestion);
    } catch {
      if (mine === asked) failed.hidden = false;
    }
    if (mine === asked) waits.hidden = true;
  }

  /* Only over an earlier suggestion: what somebody typed stays. */
  function suggest(form, text) {
    const field = form.elements.comment;
    if (!field.value || field.value === field.dataset.suggested) field.value = text;
    field.dataset.suggested = text;
    tellSuggestion(form);
  }

  function tellSuggestion(form) {
    const { value, dataset } = form.elements.comment;
    form.querySelector("[data-is-suggested]").hidden = !value || value !== dataset.suggested;
    form.querySelector("[data-has-suggestion]").hidden = !dataset.suggested || value === dataset.suggested;
  }

  const submitForm = document.querySelector("#submit-chosen form");
  submitForm.elements.comment.addEventListener("input", () => tellSuggestion(submitForm));
  submitForm.querySelector("[data-use-suggestion]").addEventListener("click", () => {
    submitForm.elements.comment.value = submitForm.elements.comment.dataset.suggested;
    submitForm.elements.comment.dispatchEvent(new Event("input", { bubbles: true }));
  });
  /* The files of one of several, when somebody opens it. */
  submitForm.addEventListener("toggle", async (event) => {
    const unit = event.target;
    const place = unit.querySelector("[data-unit-files]");
    if (!unit.open || !unit.dataset.unit || place.hasChildNodes()) return;
    try {
      const found = await ask(submitForm, [unit.dataset.unit]);
      place.replaceChildren(document.adoptNode(found.querySelector("[data-unit-body]")));
    } catch {
      submitForm.querySelector("[data-preview-failed]").hidden = false;
    }
  }, true);

  async function chooseMatching() {
    const answer = await fetch(list.dataset.matching, { headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok) return window.location.reload();
    const { rows: found } = await answer.json();
    for (const each of found) chosen.set(each.path, each);
    list.dataset.total = found.length; // the others cannot be chosen
    show();
  }

  function release() {
    const query = new URLSearchParams(all().map((each) => ["submission_ids", each.id]));
    window.location.assign(`${list.dataset.release}?${query}`);
  }

  list.addEventListener("change", (event) => {
    const isAll = "pickAll" in event.target.dataset;
    if (!isAll && !("pick" in event.target.dataset)) return;
    const touched = isAll ? rows.filter((row) => row.querySelector("[data-pick]")) : [event.target.closest("tr")];
    for (const row of touched) {
      if (event.target.checked) chosen.set(row.dataset.row, asChoice(row));
      else chosen.delete(row.dataset.row);
    }
    show();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.opens) open(button);
    else if ("chooseMatching" in button.dataset) chooseMatching();
    else if ("createRelease" in button.dataset) release();
    else if ("clearChoice" in button.dataset) {
      chosen.clear();
      show();
    }
  });
  freshen();
  show();
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    chosen = load();
    freshen();
    show();
  });
})();
