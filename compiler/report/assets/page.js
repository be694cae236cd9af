'use strict';
(() => {
  document.documentElement.classList.add('script');
  const data = JSON.parse(document.getElementById('data').textContent);
  const details = document.getElementById('details');
  const words = { D: 'nothing', '-': 'no policy of either says anything' };
  const name = (end) => data.ends[end].name;
  const named = (ends) => ends.slice(0, 6).map(name).join(', ') + (ends.length > 6 ? ' and ' + (ends.length - 6) + ' more' : '');
  // [letter, text, what has changed]
  const text = (cell) => cell[2] || words[cell[0]] || (cell[0] === 'U' ? 'undecided: ' : '') + data.texts[cell[1]];

  // What stands behind a cell: traffic of each pair of groups; destinations that get the same from a source are one line, and
  // so are sources whose lines are the same.
  function lines(from, to) {
    const groups = (ends) => {
      const out = new Map();
      for (const end of ends) {
        const group = data.ends[end].group;
        if (!out.has(group)) out.set(group, []);
        out.get(group).push(end);
      }
      return out;
    };
    const alike = new Map();
    const destinations = groups(to);
    for (const [f, sources] of groups(from)) {
      const said = new Map();
      for (const [t, ends] of destinations) {
        if (sources.length === 1 && ends.length === 1 && sources[0] === ends[0]) continue;
        const what = data.cells[f][t];
        said.set(what, (said.get(what) || []).concat(ends));
      }
      const key = JSON.stringify([...said]);
      if (!alike.has(key)) alike.set(key, { sources: [], said });
      alike.get(key).sources.push(...sources);
    }
    const out = [];
    for (const { sources, said } of alike.values()) {
      for (const [what, ends] of said) out.push([named(sources), named(ends), text(data.says[what])]);
    }
    return out;
  }

  function element(tag, content) {
    const out = document.createElement(tag);
    out.textContent = content;
    return out;
  }

  function show(button) {
    document.querySelectorAll('.cell.chosen').forEach((one) => one.classList.remove('chosen'));
    button.classList.add('chosen');
    const from = data.rows[button.dataset.f], to = data.rows[button.dataset.t];
    details.replaceChildren(element('strong', from.name + ' → ' + to.name));
    const table = document.createElement('table');
    for (const line of lines(from.ends, to.ends)) {
      const row = table.insertRow();
      for (const part of line) row.insertCell().textContent = part;
    }
    details.append(table);
  }

  // Lines whose names hold the text; of the matrix its rows, as columns say whom those reach.
  function filter(typed) {
    const wanted = typed.trim().toLowerCase();
    const hides = (one) => wanted !== '' && !one.toLowerCase().includes(wanted);
    const rows = [...document.querySelectorAll('#matrix tbody tr')];
    rows.forEach((row) => row.classList.toggle('hidden', hides(data.rows[row.dataset.f].search)));
    document.querySelectorAll('table.searched tbody tr').forEach((row) => row.classList.toggle('hidden', hides(row.textContent)));
    document.getElementById('found').textContent = wanted === '' ? '' : rows.filter((row) => !row.classList.contains('hidden')).length + ' of ' + rows.length + ' rows';
  }

  document.getElementById('matrix').addEventListener('click', (event) => {
    const button = event.target.closest('button.cell');
    if (button) show(button);
  });
  document.getElementById('filter').addEventListener('input', (event) => filter(event.target.value));

  const graph = document.getElementById('graph');
  graph.addEventListener('click', (event) => {
    const chosen = event.target.dataset.end;
    const again = chosen !== undefined && event.target.classList.contains('on');
    graph.querySelectorAll('.on').forEach((one) => one.classList.remove('on'));
    graph.classList.toggle('chosen', chosen !== undefined && !again);
    if (chosen === undefined || again) return;
    event.target.classList.add('on');
    graph.querySelectorAll('.edge').forEach((edge) => edge.classList.toggle('on', edge.dataset.from === chosen || edge.dataset.to === chosen));
  });
})();
