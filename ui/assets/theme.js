// Light and dark: as the system has it, until the reader says otherwise.
(() => {
  "use strict";

  const THEME_KEY = "paperchat-theme";

  const stored = () => {
    try {
      return localStorage.getItem(THEME_KEY);
    } catch {
      return null; // Storage may be forbidden; then the system decides.
    }
  };

  function applyTheme() {
    const choice = stored();
    const dark = choice ? choice === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    if (document.body && document.body.classList.contains("dark") !== dark) {
      document.body.classList.toggle("dark", dark);
    }
  }

  function toggleTheme() {
    const next = document.body.classList.contains("dark") ? "light" : "dark";
    try {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      if (next === system) localStorage.removeItem(THEME_KEY);
      else localStorage.setItem(THEME_KEY, next);
    } catch {
      // Then the choice lasts for this visit only.
    }
    document.body.classList.toggle("dark", next === "dark");
  }

  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(".pc-theme")) toggleTheme();
  });

  function begin() {
    applyTheme();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTimeout(applyTheme));
    // Gradio sets the theme once more when it mounts.
    new MutationObserver(() => {
      if (stored()) applyTheme();
    }).observe(document.body, { attributes: true, attributeFilter: ["class"] });
  }

  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin);
})();
