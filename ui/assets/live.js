// The answer that is being written: carries out what the server says has changed (`ui/page/live.py`).
(() => {
  "use strict";

  const paperchat = (window.paperchat = window.paperchat || {});
  const newest = (selector) => [...document.querySelectorAll(selector)].pop();

  // Makes the old children like the new ones; what is alike stays as it is, with its focus, selection and
  // whatever the reader has unfolded.
  function becomeChildren(old, fresh) {
    const kept = [...old.childNodes];
    const wanted = [...fresh.childNodes];
    wanted.forEach((node, n) => (kept[n] ? become(kept[n], node) : old.append(node)));
    kept.slice(wanted.length).forEach((node) => node.remove());
  }

  function become(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
    if (old.nodeType === Node.TEXT_NODE) {
      old.data = fresh.data;
      return;
    }
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    becomeChildren(old, fresh);
  }
  paperchat.becomeChildren = becomeChildren;

  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
  }

  let letters = "";
  let pieces = [];
  let waiting = false;

  function show(tries) {
    waiting = false;
    const answer = newest("#pc-chat .pc-answer.pc-writing");
    const sources = newest("#pc-chat :is(.pc-sources, .pc-no-sources)");
    if (!pieces.length) return;
    // Gradio may still be at work on the place for it.
    if (!answer || !sources) return tries && later(tries - 1);
    const log = answer.closest('[role="log"]');
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 100;
    become(answer, parsed(pieces[0]));
    become(sources, parsed(pieces.slice(1).join("")));
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function later(tries = 300) {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => show(tries));
  }

  paperchat.live = (text) => {
    if (!text.startsWith(letters)) {
      letters = "";
      pieces = [];
    }
    const news = text.slice(letters.length).split("\n").slice(0, -1);
    letters = text;
    for (const [number, start, end, words] of news.flatMap((line) => JSON.parse(line))) {
      const old = pieces[number] ?? "";
      pieces[number] = old.slice(0, start) + words + old.slice(old.length - end);
    }
    if (news.length) later();
  };
})();
