// What buttons of ours do: an element says it in `data-do`, and most of it is sent to the server, whose
// answers come back as letters (`receive`). The bus itself is made by Gradio (`ui/page/parts.py`).
(() => {
  "use strict";

  const paperchat = (window.paperchat = window.paperchat || {});
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const act = (data) => paperchat.send?.("act", data);
  const box = () => find("#pc-box textarea");
  const writing = () => Boolean(find("#pc-chat .pc-writing"));
  const number = (text) => Number.parseInt(text, 10);

  // --- pages --------------------------------------------------------------------------------------

  paperchat.show = (page) => {
    document.body.dataset.page = page;
    if (page !== "ask") paperchat.send?.("visit");
    findAll(".pc-page").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.page === page)));
    if (page === "papers") {
      paperchat.browse?.({}, true);
      paperchat.mapped?.();
    }
    if (page === "evaluation") paperchat.evaluated?.();
    if (page === "ask") box()?.focus({ preventScroll: true });
  };

  function side(open) {
    document.body.classList.toggle("pc-side-open", open);
    find(".pc-side-toggle")?.setAttribute("aria-expanded", String(open));
    find(open ? ".pc-new" : ".pc-side-toggle")?.focus();
  }

  // --- words to the reader ------------------------------------------------------------------------

  let fading = 0;
  function note(text) {
    const toast = find("#pc-toast");
    if (!toast) return;
    toast.textContent = text;
    toast.classList.add("pc-on");
    clearTimeout(fading);
    fading = setTimeout(() => toast.classList.remove("pc-on"), 6000);
  }

  function confirmed(question) {
    const dialog = find("#pc-dialog");
    find("p", dialog).textContent = question;
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    });
  }

  // The name being typed, where one is. The list may be drawn anew meanwhile: the field moves into the new one.
  let renaming = null;

  function rename(item) {
    const open = find(".pc-open", item);
    const input = document.createElement("input");
    Object.assign(input, { className: "pc-rename", value: open.textContent, maxLength: 200 });
    input.setAttribute("aria-label", find('[data-do="rename"]', item).getAttribute("aria-label"));
    const field = (renaming = { input, open, id: item.dataset.id });
    open.replaceWith(input);
    input.focus();
    input.select();
    const end = (keep) => {
      if (renaming !== field) return;
      renaming = null;
      const here = document.activeElement === input;
      input.replaceWith(field.open);
      if (here) field.open.focus();
      if (keep && input.value.trim() && input.value !== field.open.textContent) {
        act({ do: "rename", id: field.id, text: input.value });
      }
    };
    // A moment later: a field that goes because the list is drawn anew loses the focus as well.
    input.addEventListener("blur", () => setTimeout(() => input.isConnected && document.activeElement !== input && end(true)));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key !== "Enter" && event.key !== "Escape") return;
      event.preventDefault(); // the same Enter would press the button that gets the focus
      end(event.key === "Enter");
    });
  }

  function moveRenaming() {
    if (!renaming || renaming.input.isConnected) return;
    const open = find(`#pc-side-list .pc-open[data-id="${CSS.escape(renaming.id)}"]`);
    if (!open) return;
    const { input } = renaming;
    const { selectionStart, selectionEnd } = input;
    renaming.open = open;
    open.replaceWith(input);
    input.focus();
    input.setSelectionRange(selectionStart, selectionEnd);
  }

  async function copy(button) {
    const text = find(".pc-copied", button.parentElement).textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without permission, or on a page that is not secure: the old way.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    note(find("#pc-toast").dataset.copied);
  }

  function save({ name, text }) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
    link.download = name;
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function rate(button) {
    const tools = button.closest(".pc-tools");
    const again = button.getAttribute("aria-pressed") === "true";
    findAll(".pc-thumb", tools).forEach((thumb) => thumb.setAttribute("aria-pressed", String(thumb === button && !again)));
    const form = tools.nextElementSibling;
    form.hidden = again;
    if (!again) find("input", form).focus();
    act({ do: "rate", turn: number(button.dataset.turn), thumb: again ? 0 : number(button.dataset.thumb), comment: find("input", form).value });
  }

  function editFocus(tries = 40) {
    if (find(".pc-editing")) {
      const area = box();
      area.focus();
      area.setSelectionRange(area.value.length, area.value.length);
    } else if (tries) setTimeout(() => editFocus(tries - 1), 50);
  }

  const actions = {
    side: () => side(!document.body.classList.contains("pc-side-open")),
    new: () => { act({ do: "new" }); side(false); paperchat.show("ask"); },
    open: (button) => { act({ do: "open", id: button.dataset.id }); document.body.classList.remove("pc-side-open"); },
    rename: (button) => rename(button.closest(".pc-item")),
    delete: async (button) => { if (await confirmed(button.dataset.ask)) act({ do: "delete", id: button.dataset.id }); },
    edit: (button) => { if (!writing()) { act({ do: "edit", turn: number(button.dataset.turn) }); editFocus(); } },
    keep: () => { act({ do: "keep" }); box()?.focus(); },
    copy,
    rate,
    export: (button) => { act({ do: "export", form: button.dataset.form }); button.closest("details")?.removeAttribute("open"); },
    ask: (button) => paperchat.send?.("ask", { text: button.dataset.text || button.textContent }),
    about: (button) => { paperchat.show("ask"); paperchat.send?.("ask", { text: button.dataset.text }); },
    unfilter: (button) => paperchat.send?.("ask", { turn: number(button.dataset.turn), without: JSON.parse(button.dataset.part) }),
  };
  paperchat.actions = actions;
  paperchat.confirmed = confirmed;

  const submits = {
    comment: (form) => {
      const pressed = find('.pc-thumb[aria-pressed="true"]', form.previousElementSibling);
      act({ do: "rate", turn: number(form.dataset.turn), thumb: pressed ? number(pressed.dataset.thumb) : 0, comment: find("input", form).value });
    },
    explain: (form) => paperchat.send?.("work", { do: "explain", turn: number(form.dataset.turn), question: form.dataset.question, paper: find("input", form).value }),
  };

  paperchat.submits = submits;
  paperchat.note = note;

  // --- letters from the server --------------------------------------------------------------------

  let opened = false;
  const letters = {
    note: ({ text, forget }) => { note(text); if (forget && location.hash.includes(forget)) history.replaceState(null, "", location.pathname); },
    conversation: ({ id }) => history.replaceState(null, "", id ? `#c=${id}` : location.pathname),
    loaded: () => {
      const id = new URLSearchParams(location.hash.slice(1)).get("c");
      if (id && !opened) act({ do: "open", id });
      opened = true;
    },
    again: ({ id }) => {
      const wait = () => (writing() ? setTimeout(wait, 50) : setTimeout(() => act({ do: "open", id }), 150));
      wait();
    },
    rated: ({ turn }) => {
      const saved = find(`.pc-comment[data-turn="${turn}"] .pc-saved`);
      if (saved) saved.textContent = find("#pc-toast").dataset.saved;
    },
    file: save,
    explained: ({ turn, html }) => {
      const place = find(`.pc-why-not[data-turn="${turn}"] .pc-explained`);
      if (place) place.innerHTML = html;
    },
  };
  paperchat.letters = letters;
  paperchat.receive = (text) => {
    if (!text) return;
    const letter = JSON.parse(text);
    letters[letter.kind]?.(letter);
  };

  // --- wiring: one listener a kind of event, on the document ----------------------------------------

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const page = target.closest(".pc-page");
    if (page) return paperchat.show(page.dataset.page);
    if (target.closest(".pc-skip")) {
      event.preventDefault();
      paperchat.show("ask");
      return;
    }
    const doing = target.closest("[data-do]");
    if (doing && doing.tagName !== "FORM") actions[doing.dataset.do]?.(doing);
    if (document.body.classList.contains("pc-side-open") && !target.closest("#pc-side, .pc-side-toggle, dialog")) {
      document.body.classList.remove("pc-side-open");
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target.closest?.("form[data-do]");
    if (!form) return;
    event.preventDefault();
    submits[form.dataset.do]?.(form);
  });

  document.addEventListener("keydown", (event) => {
    const target = event.target instanceof Element ? event.target : document.body;
    const typing = target.closest("input, textarea, select, [contenteditable]");
    if ((event.key === "Enter" || event.key === " ") && target.matches('[role="button"][data-do]')) {
      event.preventDefault();
      actions[target.dataset.do]?.(target);
    } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      paperchat.show("ask");
    } else if (event.key === "Escape" && !find("dialog[open]")) {
      if (document.body.classList.contains("pc-side-open")) side(false);
      else if (target.closest("#pc-panel")) paperchat.back();
      else if (writing()) find("#pc-stop")?.click();
      else if (find(".pc-editing")) actions.keep();
    }
  });

  function mend() {
    moveRenaming();
    // Gradio calls the example questions a list, but its children are buttons and no list items.
    find('.examples[role="list"]')?.setAttribute("role", "group");
    // Choices of one question are a group, so that the arrow keys go from one to the next.
    findAll('#pc-settings input[type="radio"]').forEach((choice) => {
      const { id } = choice.closest("[id]");
      if (choice.name !== id) choice.name = id;
    });
    // The place to drop files has words of Gradio's own; ours are its label.
    const place = find("#pc-files .upload-container .wrap:not([data-words])");
    if (place) {
      place.dataset.words = find("#pc-files label").textContent.trim();
      place.closest(".upload-container").setAttribute("aria-label", place.dataset.words);
    }
  }
  const begin = () => new MutationObserver(mend).observe(document.body, { childList: true, subtree: true });
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);

  let searching = 0;
  document.addEventListener("input", (event) => {
    if (event.target.id !== "pc-find") return;
    clearTimeout(searching);
    searching = setTimeout(() => act({ do: "find", text: event.target.value }), 200);
  });
})();
