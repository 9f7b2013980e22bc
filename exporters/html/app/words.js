// SPDX-License-Identifier: Apache-2.0
import en from "./lang/en.js";
import ko from "./lang/ko.js";

const dictionaries = { en, ko };
let language = "en";

export const languages = Object.keys(dictionaries);

export function speak(wanted) {
  language = dictionaries[wanted] ? wanted : "en";
  document.documentElement.lang = language;
}
export const spoken = () => language;

/** A word or sentence of the dictionary; those that depend on figures are functions of them. */
export function t(key, ...values) {
  const entry = dictionaries[language][key] ?? en[key];
  if (entry === undefined) throw new Error(`no word for ${key}`);
  return typeof entry === "function" ? entry(...values) : entry;
}
/** The word for what may be anything, such as a kind of finding: itself where there is none. */
export const word = (prefix, key) =>
  dictionaries[language][`${prefix}.${key}`] ?? en[`${prefix}.${key}`] ?? String(key);
