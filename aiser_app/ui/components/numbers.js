// Numbers as people read them (design system, section 7). Text stays text: values beyond 2^53 and
// decimals travel as strings and are grouped here digit by digit, never through a float.

const locale = "en-US";
const integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });

function minus(text) {
  return text.replace(/^-/, "\u2212");
}

// `digits`: fraction digits for a fractional number; a whole column uses the same count.
export function formatNumber(value, digits = 1) {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "string") {
    const found = /^(-?)(\d+)(\.\d+)?$/.exec(value);
    if (!found) return value;
    const grouped = found[2].replace(/\B(?=(\d{3})+(?!\d))/g, ",");
    return (found[1] ? "\u2212" : "") + grouped + (found[3] || "");
  }
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value)) return minus(integer.format(value));
  return minus(
    value.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }),
  );
}

// Formats all ticks of an axis alike; `largest` decides the unit.
export function axisFormat(largest) {
  const [scale, unit] = [[1e9, "B"], [1e6, "M"], [1e3, "k"]].find(
    ([size]) => largest >= (size === 1e3 ? 1e4 : size),
  ) || [1, ""];
  return (value) => {
    const shown = Math.round((value / scale) * 100) / 100;
    return minus(shown.toLocaleString(locale, { maximumFractionDigits: 2 })) + (value ? unit : "");
  };
}

// Fewest digits (1 to 3) that tell all numbers of a column apart at a glance.
export function digitsFor(values) {
  const numbers = values.filter((v) => typeof v === "number" && Number.isFinite(v));
  if (numbers.every(Number.isInteger)) return 0;
  const largest = Math.max(...numbers.map(Math.abs));
  if (largest < 0.1) return 4;
  return largest < 1 ? 3 : largest < 10 ? 2 : 1;
}
