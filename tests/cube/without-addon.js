// Cube's compiled addon is downloaded when it is installed, from a place that not every machine reaches.
// Without it these few functions, written here in JavaScript, stand in for it: enough for the REST API.
// The SQL API, the Tesseract planner, Jinja models and Cube Store are not there then. With the addon
// this file changes nothing.
const path = require('path');
const addon = require('@cubejs-backend/native');

function isPresent() {
  try {
    addon.loadNative();
    return true;
  } catch (error) {
    return false;
  }
}

// The last version of the gateway that made its answers in JavaScript.
function olderTransform() {
  const root = path.dirname(require.resolve('gateway-in-javascript/package.json'));
  return require(path.join(root, 'dist/src/helpers/transformData')).default;
}

function standIn() {
  const transform = olderTransform();

  // Columns, as the drivers' results are handed over, into rows.
  function rowsOf(buffer) {
    const { members, columns } = JSON.parse(buffer.toString());
    const count = columns.length === 0 ? 0 : columns[0].length;
    const rows = [];
    for (let at = 0; at < count; at += 1) {
      rows.push(Object.fromEntries(members.map((name, index) => [name, columns[index][at]])));
    }
    return rows;
  }

  function withData(how, raw, result) {
    const { aliasToMemberNameMap, annotation, query, queryType, resType } = how;
    const data = transform(
      aliasToMemberNameMap, annotation, rowsOf(raw), query, queryType, resType,
    );
    return { ...result, data };
  }

  function written(answer) {
    const bytes = Buffer.from(JSON.stringify(answer));
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  }

  addon.setupLogger = () => {};
  addon.isFallbackBuild = () => true;
  addon.redactSqlLiterals = (sql) => sql.replace(/'(?:[^']|'')*'/g, "'…'");
  addon.NativeInstance.prototype.newJinjaEngine = () => ({
    loadTemplate() {
      throw new Error('Jinja models need the compiled addon.');
    },
  });
  addon.getFinalQueryResult = async (how, raw, result) => written(withData(how, raw, result));
  addon.getFinalQueryResultMulti = async (hows, raws, answer) => written({
    ...answer,
    results: answer.results.map((result, index) => withData(hows[index], raws[index], result)),
  });
}

if (!isPresent()) {
  standIn();
}
