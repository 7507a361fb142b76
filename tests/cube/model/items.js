cube('items', {
  sql: 'SELECT * FROM items',
  title: 'Items',
  joins: {
    shops: { relationship: 'many_to_one', sql: `${CUBE}.shop_id = ${shops.id}` },
  },
  measures: {
    count: { type: 'count' },
    revenue: { sql: 'price', type: 'sum', title: 'Revenue', meta: { unit: 'EUR', synonyms: ['turnover'] } },
    biggest: { sql: 'big', type: 'max', title: 'Biggest number' },
    weight: { sql: 'weight', type: 'sum', title: 'Weight' },
    mean_price: { sql: 'price', type: 'avg', title: 'Mean price' },
    shops_with_items: { sql: 'shop_id', type: 'countDistinct', title: 'Shops with items' },
    running: { sql: 'price', type: 'sum', rollingWindow: { trailing: 'unbounded' }, title: 'Running' },
  },
  dimensions: {
    id: { sql: 'id', type: 'number', primaryKey: true, public: true },
    kind: { sql: 'kind', type: 'string', title: 'Kind' },
    big: { sql: 'big', type: 'number', title: 'Number' },
    price: { sql: `${CUBE}.price`, type: 'number', title: 'Price' },
    paid: { sql: 'paid', type: 'boolean', title: 'Paid' },
    sold_at: { sql: 'sold_at', type: 'time', title: 'Sold at' },
    sold_on: { sql: 'sold_on', type: 'time', title: 'Sold on' },
    grams: { sql: 'weight', type: 'number', title: 'Grams' },
    size: {
      type: 'string',
      title: 'Size',
      case: { when: [{ sql: `${CUBE}.price > 100`, label: 'large' }], else: { label: 'small' } },
    },
  },
  segments: {
    sold_well: { sql: `${CUBE}.price > 50` },
  },
});

// Takes some seconds.
cube('pairs', {
  sql: 'SELECT a.id FROM items a CROSS JOIN items b CROSS JOIN items c WHERE c.id <= 15',
  measures: { count: { type: 'count' } },
});
