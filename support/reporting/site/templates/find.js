(function () {
  "use strict";
  var form = document.querySelector("form.find");
  if (!form) { return; }
  var input = form.querySelector("input");
  var status = form.querySelector("[role=status]");
  var items = Array.from(document.querySelectorAll("[data-find]"));
  var groups = Array.from(document.querySelectorAll("[data-group]"));
  var texts = items.map(function (item) { return (item.textContent + " " + (item.dataset.words || "")).toLowerCase(); });
  function show() {
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    var found = 0;
    items.forEach(function (item, number) {
      item.hidden = !words.every(function (word) { return texts[number].includes(word); });
      found += item.hidden ? 0 : 1;
    });
    groups.forEach(function (group) { group.hidden = words.length > 0 && !group.querySelector("[data-find]:not([hidden])"); });
    status.textContent = words.length ? form.dataset.found.replace("{found}", found).replace("{all}", items.length) : "";
  }
  form.hidden = false;
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  input.addEventListener("input", show);
  input.value = new URLSearchParams(location.search).get("find") || "";
  show();
}());
