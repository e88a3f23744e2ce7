// The papers page: what is shown is noted on the table (`data-wish`), and every click asks for a variation of it.
(() => {
  "use strict";

  const paperchat = (window.paperchat = window.paperchat || {});
  const find = (selector) => document.querySelector(selector);
  const wish = () => JSON.parse(find("#pc-shelf .pc-shelf")?.dataset.wish || "{}");
  const picked = () => [...document.querySelectorAll(".pc-pick:checked")].map((box) => box.value);

  paperchat.browse = (changes, first = false) => {
    if (first && find("#pc-shelf .pc-shelf")) return;
    const search = find("#pc-shelf-find")?.value ?? "";
    paperchat.send?.("work", { do: "browse", ...wish(), search, ...changes });
  };

  Object.assign(paperchat.actions, {
    sort: ({ dataset: { sort } }) => {
      const now = wish();
      paperchat.browse({ sort, descending: now.sort === sort ? !now.descending : sort === "date", page: 0 });
    },
    year: ({ dataset: { year } }) => paperchat.browse({ year: wish().year === year ? "" : year, page: 0 }),
    page: ({ dataset: { page } }) => {
      paperchat.browse({ page: Number(page) });
      find("#pc-papers").scrollTo?.({ top: 0 });
    },
    "delete-papers": async (button) => {
      const ids = picked();
      if (ids.length && (await paperchat.confirmed(button.dataset.ask))) {
        paperchat.send?.("work", { ...wish(), do: "delete-papers", ids });
        button.disabled = true;
      }
    },
  });

  let searching = 0;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "pc-shelf-find") return;
    clearTimeout(searching);
    searching = setTimeout(() => paperchat.searched(), 200);
  });

  const update = () => {
    const button = find('[data-do="delete-papers"]');
    if (button) button.disabled = !picked().length;
  };
  document.addEventListener("change", (event) => {
    if (event.target.classList?.contains("pc-pick")) update();
  });
  const begin = () => new MutationObserver(update).observe(document.body, { childList: true, subtree: true });
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
