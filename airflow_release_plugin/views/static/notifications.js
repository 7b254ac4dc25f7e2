// Whoever opens what a notification is about has read it; without this, there is a button for it.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form[action*='/notifications/ways']");
  const read = (event) => {
    const id = event.target.closest("a[data-reads]")?.dataset.reads;
    if (!id || event.button > 1) return;
    fetch(form.action.replace(/ways$/, "read"), {
      method: "POST",
      keepalive: true, // the page is left at the same moment
      redirect: "manual",
      body: new URLSearchParams({ notice: id }),
      headers: { "X-CSRFToken": form.elements.csrf_token.value, "X-Requested-With": "fetch" },
    });
  };
  document.addEventListener("click", read);
  document.addEventListener("auxclick", read);
});
