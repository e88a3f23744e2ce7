// The evaluation page: gathers the form, reads files here and not on the server, and asks for reports.
(() => {
  "use strict";

  const paperchat = (window.paperchat = window.paperchat || {});
  const find = (selector, root = document) => root.querySelector(selector);
  const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];
  const send = (kind, data) => paperchat.send?.(kind, data);
  const LARGEST = 8_000_000;

  paperchat.evaluated = () => send("report", { do: "list" });

  const side = (form, name) =>
    Object.fromEntries(findAll(`[data-side="${name}"] :is(select, input)`, form).map((field) => [field.name, field.value]));

  paperchat.submits.compare = (form) =>
    send("compare", { first: side(form, "A"), second: side(form, "B"), questions: find("textarea", form).value });

  Object.assign(paperchat.actions, {
    halt: (button) => {
      button.disabled = true;
      send("halt", {});
    },
    "compare-export": () => send("report", { do: "export" }),
    report: (button) => {
      findAll(".pc-report-list button").forEach((other) => other.setAttribute("aria-current", String(other === button)));
      send("report", { do: "open", name: button.dataset.name });
    },
  });

  async function text(input) {
    const [file] = input.files;
    input.value = "";
    if (!file) return null;
    if (file.size > LARGEST) {
      paperchat.note(find("#pc-toast").dataset.large);
      return null;
    }
    return file.text();
  }

  document.addEventListener("change", async (event) => {
    if (event.target.id === "pc-compare-file") {
      const questions = await text(event.target);
      if (questions !== null) find("#pc-compare-questions").value = questions;
    } else if (event.target.id === "pc-report-file") {
      const report = await text(event.target);
      if (report !== null) send("report", { do: "file", text: report });
    }
  });
})();
