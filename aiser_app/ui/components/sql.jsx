// Shows SQL with line numbers and quiet colours. Reads text only; nothing of it becomes markup.
const KEYWORDS = new Set(
  ("select from where group by having order limit offset join left right full inner outer cross on as and or not in is null " +
    "between like ilike case when then else end with union all distinct asc desc nulls first last over partition exists cast " +
    "interval true false using rows range preceding following current row filter within date timestamp").split(" "),
);
const TOKEN = /(--[^\n]*)|('(?:[^']|'')*')|("(?:[^"]|"")*")|(\d+(?:\.\d+)?\b)|([A-Za-z_][A-Za-z0-9_]*)|(\s+)|([^\sA-Za-z0-9_'"])/g;

function paint(line) {
  return [...line.matchAll(TOKEN)].map((found, index) => {
    const [text, comment, string, quoted, number, word, space] = found;
    if (space || quoted) return text;
    let kind = "o";
    if (comment) kind = "c";
    else if (string) kind = "s";
    else if (number) kind = "m";
    else if (word) {
      const next = line.slice(found.index + text.length).trimStart()[0];
      if (KEYWORDS.has(text.toLowerCase())) kind = "k";
      else if (next === "(") kind = "f";
      else return text;
    }
    return <span key={index} className={kind}>{text}</span>;
  });
}

export function SqlText({ sql, label }) {
  return (
    <div className="code sql-text" role="group" aria-label={label} tabIndex={0} data-testid="sql">
      {(sql || "").split("\n").map((line, index) => (
        <div className="ln" key={index}>
          <i aria-hidden="true">{index + 1}</i>
          <span>{paint(line)}</span>
        </div>
      ))}
    </div>
  );
}
