"use strict";
// Colours and search. Everything else on a page works without this script.

(() => {
  const page = document.documentElement;
  const stored = "drystone-theme";

  // A browser may forbid storage, for files from disk above all.
  const remembered = () => {
    try { return localStorage.getItem(stored); } catch { return null; }
  };
  const remember = (theme) => {
    try { localStorage.setItem(stored, theme); } catch { /* for this page only */ }
  };
  const darkByItself = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => page.dataset.theme ? page.dataset.theme === "dark" : darkByItself.matches;

  // Before the page is drawn, so that it does not flash in the other colours.
  const theme = remembered();
  if (theme === "dark" || theme === "light") page.dataset.theme = theme;

  const setUpTheme = () => {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.hidden = false;
    button.addEventListener("click", () => {
      page.dataset.theme = isDark() ? "light" : "dark";
      remember(page.dataset.theme);
      show();
    });
    darkByItself.addEventListener("change", show);
    show();
  };

  const MOST = 12;
  const KINDS = ["table", "view", "materialized view", "foreign table", "query", "queries",
    "migration", "system", "index", "column", "finding"];

  // How well an entry answers: less is better, Infinity is not at all.
  const rank = ([kind, name, text], words) => {
    let sum = KINDS.indexOf(kind) / 10;
    const low = name.toLowerCase();
    const own = low.split(".").pop();
    const parts = low.split(/[._\- ]/);
    for (const word of words) {
      if (low === word || own === word) sum += 0;
      else if (own.startsWith(word) || low.startsWith(word)) sum += 1;
      else if (parts.some((part) => part.startsWith(word))) sum += 2;
      else if (low.includes(word)) sum += 4;
      else if (text.toLowerCase().includes(word)) sum += 8;
      else return Infinity;
    }
    return sum + low.length / 1000;
  };

  const search = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    return (window.drystoneIndex || [])
      .map((entry) => [rank(entry, words), entry])
      .filter(([sum]) => sum < Infinity)
      .sort((one, other) => one[0] - other[0])
      .map(([, entry]) => entry);
  };

  const setUpSearch = () => {
    const box = document.querySelector(".search");
    const field = document.getElementById("search");
    const list = document.getElementById("found");
    const told = document.getElementById("told");
    let chosen = -1;
    box.hidden = false;

    const choose = (number) => {
      const options = list.children;
      if (chosen >= 0 && options[chosen]) options[chosen].setAttribute("aria-selected", "false");
      chosen = options.length ? (number + options.length) % options.length : -1;
      if (chosen < 0) {
        field.removeAttribute("aria-activedescendant");
        return;
      }
      options[chosen].setAttribute("aria-selected", "true");
      options[chosen].scrollIntoView({ block: "nearest" });
      field.setAttribute("aria-activedescendant", options[chosen].id);
    };
    const close = () => {
      list.hidden = true;
      chosen = -1;
      field.setAttribute("aria-expanded", "false");
      field.removeAttribute("aria-activedescendant");
    };
    const option = ([kind, name, text, address], number) => {
      const item = document.createElement("li");
      item.id = `found-${number}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      const link = document.createElement("a");
      link.href = page.dataset.root + address;
      link.tabIndex = -1;
      for (const [name_, value] of [["kind", kind], ["id", name], ["says", text]]) {
        const part = document.createElement("span");
        part.className = name_;
        part.textContent = value;
        link.append(part, " ");
      }
      item.append(link);
      return item;
    };
    const show = () => {
      const found = search(field.value);
      list.replaceChildren(...found.slice(0, MOST).map(option));
      close();
      if (!field.value.trim()) {
        told.textContent = "";
        return;
      }
      told.textContent = found.length ? `${found.length} found` : "Nothing found";
      if (!found.length) {
        const nothing = document.createElement("li");
        nothing.className = "nothing";
        nothing.setAttribute("role", "option");
        nothing.setAttribute("aria-disabled", "true");
        nothing.textContent = "Nothing of that name";
        list.append(nothing);
      }
      list.hidden = false;
      field.setAttribute("aria-expanded", "true");
      if (found.length) choose(0);
    };
    const follow = () => {
      const link = chosen >= 0 && list.children[chosen].querySelector("a");
      if (link) {
        close();
        location.assign(link.href);
      }
    };
    const keys = {
      ArrowDown: () => (list.hidden ? show() : choose(chosen + 1)),
      ArrowUp: () => (list.hidden ? show() : choose(chosen - 1)),
      Enter: follow,
      Escape: () => {
        if (list.hidden) field.value = "";
        close();
      },
    };
    field.addEventListener("keydown", (event) => {
      if (!Object.hasOwn(keys, event.key)) return;
      event.preventDefault();
      keys[event.key]();
    });
    field.addEventListener("input", show);
    field.addEventListener("focus", () => { if (field.value) show(); });
    box.addEventListener("focusout", (event) => {
      if (!box.contains(event.relatedTarget)) close();
    });
    // A click on a result must not take the focus first, which would close the list.
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", () => close());
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest("input, textarea, select, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.focus();
      field.select();
    });
  };

  // What is folded must not be missing on paper.
  const setUpPrint = () => {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("details:not([open])")];
      opened.forEach((each) => { each.open = true; });
    });
    addEventListener("afterprint", () => opened.forEach((each) => { each.open = false; }));
  };

  addEventListener("DOMContentLoaded", () => {
    setUpTheme();
    setUpSearch();
    setUpPrint();
  });
})();
