/* The order of flows: drag a row by its handle, or press Alt with an arrow key on it. Saved at once. */
(() => {
  "use strict";
  const form = document.querySelector("form[data-order]");
  if (!form) return;
  const body = form.querySelector("tbody");
  const rows = () => [...body.querySelectorAll("tr[data-flow]")];
  const problem = form.querySelector("[data-order-problem]");
  let dragged = null;
  let before = "";
  const order = () => rows().map((row) => row.dataset.flow).join();

  function announce(row) {
    const place = rows().indexOf(row) + 1;
    document.getElementById("announcer").textContent = `${row.dataset.name}: ${place} / ${rows().length}`;
  }

  async function save(row) {
    announce(row);
    markEnds();
    const data = new FormData();
    for (const each of rows()) data.append("order", each.dataset.flow);
    try {
      const answer = await fetch(form.dataset.order, {
        method: "POST",
        body: data,
        headers: { "X-CSRFToken": form.elements.csrf_token.value, "X-Requested-With": "fetch" },
      });
      if (answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      complain(page.querySelector(".error-page p")?.textContent || answer.statusText);
    } catch (error) {
      complain(error.message);
    }
  }

  function complain(text) {
    problem.querySelector("span").textContent = text;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  }

  function markEnds() {
    const all = rows();
    all.forEach((row, index) => {
      row.querySelector("[data-move='-1']").disabled = index === 0;
      row.querySelector("[data-move='1']").disabled = index === all.length - 1;
    });
  }

  function move(row, by) {
    const all = rows();
    const other = all[all.indexOf(row) + by];
    if (!other) return;
    if (by < 0) other.before(row);
    else other.after(row);
    save(row);
  }

  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    event.preventDefault();
    const row = button.closest("tr");
    move(row, Number(button.dataset.move));
    (button.disabled ? row.querySelector("[data-handle]") : button).focus();
  });
  form.addEventListener("keydown", (event) => {
    const handle = event.target.closest("[data-handle]");
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!handle || !by || !event.altKey) return;
    event.preventDefault();
    move(handle.closest("tr"), by);
    handle.focus();
  });
  body.addEventListener("pointerdown", (event) => {
    const row = event.target.closest("[data-handle]") && event.target.closest("tr");
    if (row) row.draggable = true;
  });
  body.addEventListener("pointerup", () => {
    for (const row of rows()) row.draggable = false;
  });
  body.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("tr[data-flow]");
    if (!dragged) return;
    before = order();
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.name);
    dragged.classList.add("dragged");
  });
  body.addEventListener("dragover", (event) => {
    const over = event.target.closest("tr[data-flow]");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) over.before(dragged);
    else over.after(dragged);
  });
  body.addEventListener("drop", (event) => event.preventDefault());
  body.addEventListener("dragend", () => {
    const row = dragged;
    dragged = null;
    if (!row) return;
    row.classList.remove("dragged");
    row.draggable = false;
    if (order() !== before) save(row);
  });
  markEnds();
})();
