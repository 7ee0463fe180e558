// Sets the chosen colour scheme before anything is painted. It is in a cookie, since localStorage
// belongs to one port, and the daemon's port may change.
(() => {
  const chosen = /(?:^|; )photofind-theme=(light|dark)(?:;|$)/.exec(document.cookie);
  if (chosen) document.documentElement.dataset.theme = chosen[1];
})();
