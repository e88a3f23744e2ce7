// The map: names the paper under the pointer, marks what is chosen, and asks the server for what is read at length.
(() => {
  "use strict";

  const paperchat = (window.paperchat = window.paperchat || {});
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const work = (data) => paperchat.send?.("work", data);
  const map = () => find("#pc-map .pc-map");
  const plane = () => find("#pc-map .pc-map-plane");
  const view = () => document.body.dataset.view || "list";
  const NEAR = 18;

  let held = { of: null, papers: null };
  function papers() {
    if (held.of !== map()) held = { of: map(), papers: JSON.parse(map().dataset.papers) };
    return held.papers;
  }

  // --- a paper under the pointer, or in focus -------------------------------------------------------

  const dot = (places) => places.map((place) => `M${papers().x[place]} ${papers().y[place]}h0`).join("");
  const scale = () => Number(find("svg", plane()).viewBox.baseVal.width);

  function nearest(event) {
    const box = plane().getBoundingClientRect();
    const [across, down] = [box.width / scale(), box.height / scale()];
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const { x: xs, y: ys } = papers();
    let best = -1;
    let least = NEAR * NEAR;
    for (let place = 0; place < xs.length; place += 1) {
      const away = (xs[place] * across - x) ** 2 + (ys[place] * down - y) ** 2;
      if (away < least) [best, least] = [place, away];
    }
    return best;
  }

  function name(place) {
    const tip = find(".pc-map-tip", plane());
    tip.hidden = place < 0;
    find(".pc-here", plane()).setAttribute("d", place < 0 ? "" : dot([place]));
    plane().classList.toggle("pc-map-over", place >= 0);
    if (place < 0) return;
    const { titles, about, x, y } = papers();
    const [title, line] = [document.createElement("b"), document.createElement("span")];
    title.textContent = titles[place];
    line.textContent = about[place];
    tip.replaceChildren(title, line);
    const box = plane().getBoundingClientRect();
    const [left, top] = [(x[place] * box.width) / scale(), (y[place] * box.height) / scale()];
    tip.style.left = `${Math.min(Math.max(left - tip.offsetWidth / 2, 4), box.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${top > tip.offsetHeight + 20 ? top - tip.offsetHeight - 12 : top + 14}px`;
  }

  function choose(place) {
    findAll(".pc-ring, .pc-chosen", plane()).forEach((path) => path.setAttribute("d", place < 0 ? "" : dot([place])));
    findAll(".pc-map-list button", map()).forEach((button) => button.setAttribute("aria-current", String(Number(button.dataset.place) === place)));
    if (place >= 0) work({ do: "map-paper", place });
    else find(".pc-map-card", map()).replaceChildren();
  }

  // --- which papers stand out ---------------------------------------------------------------------

  function standOut(by, group, places) {
    const root = map();
    if (!root) return;
    findAll(".pc-legend-list button", root).forEach((button) =>
      button.setAttribute("aria-pressed", String(button.dataset.by === by && button.dataset.group === group)),
    );
    const chosen = group === undefined ? null : findAll(`.pc-dots.pc-by-${by}`, root)[Number(group)];
    findAll(".pc-dots", root).forEach((path) => path.classList.toggle("pc-dim", Boolean(places) || (chosen !== null && path !== chosen)));
    find(".pc-found", root).setAttribute("d", places ? dot(places) : "");
    root.classList.toggle("pc-map-narrowed", Boolean(places) || chosen !== null);
  }

  function search() {
    const words = find("#pc-shelf-find")?.value.trim() ?? "";
    if (words) work({ do: "map-papers", search: words });
    else if (map()) {
      standOut();
      find(".pc-map-papers", map()).replaceChildren();
    }
  }

  // --- wiring ---------------------------------------------------------------------------------------

  paperchat.searched = () => (view() === "map" ? search() : paperchat.browse({ page: 0 }));
  // The collection has changed, or the map is opened.
  paperchat.mapped = () => {
    if (document.body.dataset.page === "papers" && view() === "map") work({ do: "map" });
  };

  Object.assign(paperchat.actions, {
    view: ({ dataset }) => {
      document.body.dataset.view = dataset.view;
      findAll('[data-do="view"]').forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.view === dataset.view)));
      if (dataset.view === "map") paperchat.mapped();
      else paperchat.browse({ page: 0 });
    },
    "map-by": ({ dataset: { by } }) => {
      map().dataset.by = by;
      findAll('[data-do="map-by"]').forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.by === by)));
      findAll(".pc-legend-list", map()).forEach((list) => (list.hidden = list.dataset.by !== by));
      standOut();
      find(".pc-map-papers", map()).replaceChildren();
    },
    "map-group": (button) => {
      const again = button.getAttribute("aria-pressed") === "true";
      const { by, group } = button.dataset;
      standOut(by, again ? undefined : group);
      if (again) find(".pc-map-papers", map()).replaceChildren();
      else work({ do: "map-papers", by, group: Number(group) });
    },
    "map-paper": ({ dataset: { place } }) => choose(Number(place)),
    "map-close": () => choose(-1),
  });

  Object.assign(paperchat.letters, {
    map: ({ again }) => {
      if (again) setTimeout(paperchat.mapped, again);
      else if (find("#pc-shelf-find")?.value.trim()) requestAnimationFrame(search);
    },
    "map-papers": ({ html, places }) => {
      if (!map()) return;
      find(".pc-map-papers", map()).innerHTML = html;
      find(".pc-map-papers", map()).scrollTop = 0;
      if (places) standOut(undefined, undefined, places);
    },
    "map-paper": ({ html }) => {
      if (map()) find(".pc-map-card", map()).innerHTML = html;
    },
  });

  const over = (event) => event.target instanceof Element && event.target.closest(".pc-map-plane");
  document.addEventListener("pointermove", (event) => {
    if (over(event)) name(nearest(event));
    else if (plane()?.classList.contains("pc-map-over") && !document.activeElement.closest(".pc-map-list")) name(-1);
  });
  document.addEventListener("click", (event) => {
    if (!over(event)) return;
    const place = nearest(event);
    name(place);
    if (place >= 0) choose(place);
  });
  document.addEventListener("focusin", (event) => {
    if (!plane()) return;
    const listed = event.target.closest?.(".pc-map-list button");
    name(listed ? Number(listed.dataset.place) : -1);
  });
})();
