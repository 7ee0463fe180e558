// The colours that somebody chose, before anything is painted. A cookie, not localStorage: that
// belongs to one port, and the daemon may have another one tomorrow.
(() => {
  const chosen = /(?:^|; )photofind-theme=(light|dark)(?:;|$)/.exec(document.cookie);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
})();
