/* Pictures of Dags: larger and smaller. */
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-zoom]");
    if (!button) return;
    const picture = button.closest("[data-picture]").querySelector("svg.dag-picture");
    const [, , width, height] = picture.getAttribute("viewBox").split(" ").map(Number);
    const now = Number(picture.getAttribute("width")) / width;
    const scale = Math.min(Math.max(now * (Number(button.dataset.zoom) > 0 ? 1.25 : 0.8), 0.1), 3);
    picture.setAttribute("width", width * scale);
    picture.setAttribute("height", height * scale);
  });
})();
