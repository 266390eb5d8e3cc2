"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const form = document.querySelector(".filters");
const articles = all("article").map((article) => ({
  article,
  name: article.dataset.name.toLowerCase(),
  family: article.dataset.family,
  overview: document.querySelector(`tr[data-function="${article.id}"]`),
  quirks: all(`[data-quirks="${article.id}"]`),
  cases: all(".cases tbody tr", article),
  shown: article.querySelector(".shown"),
}));
const dtypesWithErrors = new Set(all("[data-errors]").map((part) => part.dataset.errors));
const defaultErrors = all("[data-errors]")[0]?.dataset.errors;

function matches(row, wanted) {
  const { dtype, check, outcome } = row.dataset;
  const right = wanted.outcome === "failed" ? "failed" in row.dataset : outcome === wanted.outcome;
  return (
    (!wanted.dtype || dtype === wanted.dtype) &&
    (!wanted.check || check === wanted.check) &&
    (!wanted.outcome || right)
  );
}

function showCases(cases, wanted) {
  const cells = new Set();
  let count = 0;
  for (const row of cases) {
    row.hidden = !matches(row, wanted);
    if (row.hidden) continue;
    count += 1;
    cells.add(`${row.dataset.dtype} ${row.dataset.check}`);
  }
  return { cells, count };
}

function showMatrix(article, wanted, cells) {
  for (const part of all(".matrix [data-check]", article)) {
    part.hidden = Boolean(wanted.check) && part.dataset.check !== wanted.check;
  }
  for (const row of all(".matrix tbody tr", article)) {
    const dtype = row.dataset.dtype;
    row.hidden = ![...cells].some((cell) => cell.startsWith(`${dtype} `));
    for (const cell of all("td", row)) {
      cell.classList.toggle("faded", !cells.has(`${dtype} ${cell.dataset.check}`));
    }
  }
}

function showErrors(dtype) {
  const chosen = dtypesWithErrors.has(dtype) ? dtype : defaultErrors;
  for (const part of all("[data-errors]")) part.toggleAttribute("hidden", part.dataset.errors !== chosen);
}

// The filters are kept in the address, so that a view can be sent and loaded again.
function remember(wanted) {
  const chosen = new URLSearchParams(Object.entries(wanted).filter(([, value]) => value));
  if (`${chosen}` || location.hash.includes("=")) location.replace(`#${chosen}`);
}

function recall() {
  if (!location.hash.includes("=")) return;
  for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
    if (form.elements[name]) form.elements[name].value = value;
  }
}

function filter() {
  const wanted = Object.fromEntries(new FormData(form));
  const part = wanted.function.trim().toLowerCase();
  let [cases, functions] = [0, 0];
  for (const item of articles) {
    const { cells, count } = showCases(item.cases, wanted);
    const other = wanted.family && item.family !== wanted.family;
    const hidden = !count || other || !item.name.includes(part);
    item.article.hidden = item.overview.hidden = hidden;
    for (const part of item.quirks) part.hidden = hidden;
    if (hidden) continue;
    showMatrix(item.article, wanted, cells);
    item.shown.textContent = count === item.cases.length ? count : `${count} of ${item.cases.length}`;
    cases += count;
    functions += 1;
  }
  showErrors(wanted.dtype);
  for (const heading of all("tr.family")) {
    const of = articles.filter((item) => item.family === heading.dataset.family);
    heading.hidden = of.every((item) => item.overview.hidden);
  }
  remember(wanted);
  const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
  form.querySelector("output").textContent = `${plural(cases, "case")} of ${plural(functions, "function")}`;
  document.querySelector(".nothing").hidden = functions > 0;
}

form.hidden = false;
document.body.classList.remove("unscripted");
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => setTimeout(filter));
const numbers = document.querySelector('select[name="numbers"]');
const showNumbers = () => (document.getElementById("details").dataset.numbers = numbers.value);
numbers.addEventListener("input", showNumbers);
// A browser may restore the form fields of a page when it reloads the page.
showNumbers();
recall();
filter();
