"""Queries over both sources that must give what one database gives."""

from __future__ import annotations

SAME = (
    "SELECT o.id, c.name FROM sales.orders o JOIN crm.customers c ON o.customer_id = c.id",
    "SELECT o.id, c.name FROM sales.orders AS o, crm.customers AS c "
    "WHERE o.customer_id = c.id AND c.country = 'DE' AND o.amount > 20",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE c.country = 'DE'",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE c.country IS NULL",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "AND c.country = 'FR' AND o.amount > 100",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE c.country IS NULL OR c.country <> 'DE'",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE NOT (c.country = 'DE')",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE NOT (c.country IS NOT NULL)",
    "SELECT * FROM sales.orders o RIGHT JOIN crm.customers c "
    "ON o.customer_id = c.id AND o.amount > 50 AND c.id < 10",
    "SELECT * FROM sales.orders o RIGHT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE o.status = 'open'",
    "SELECT * FROM sales.orders o RIGHT JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE o.status IS NULL AND c.id > 3",
    "SELECT * FROM sales.orders o FULL JOIN crm.customers c ON o.customer_id = c.id",
    "SELECT * FROM sales.orders o FULL JOIN crm.customers c ON o.customer_id = c.id "
    "AND o.amount > 30 AND c.country = 'DE'",
    "SELECT * FROM sales.orders o FULL JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE o.amount > 200",
    "SELECT * FROM sales.orders o FULL JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE o.amount IS NULL",
    "SELECT * FROM sales.orders o FULL JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE o.amount > 200 OR c.country = 'FR'",
    "SELECT * FROM sales.orders o LEFT JOIN crm.customers c ON o.customer_id = c.id "
    "RIGHT JOIN sales.items i ON i.order_id = o.id AND c.country = 'DE' WHERE o.amount > 10",
    "SELECT o.id, i.product, c.name FROM sales.orders o FULL JOIN sales.items i "
    "ON i.order_id = o.id INNER JOIN crm.customers c ON c.id = o.customer_id AND i.quantity > 4",
    "SELECT c.name, sum(o.amount) AS total, count(*) AS n FROM sales.orders o "
    "JOIN crm.customers c ON c.id = o.customer_id GROUP BY c.name HAVING count(*) > 5",
    "SELECT name FROM crm.customers WHERE id IN (SELECT customer_id FROM sales.orders WHERE amount > 250)",
    "SELECT name FROM crm.customers WHERE id NOT IN "
    "(SELECT customer_id FROM sales.orders WHERE amount > 250 AND customer_id IS NOT NULL)",
    "SELECT name FROM crm.customers c WHERE EXISTS "
    "(SELECT * FROM sales.orders o WHERE o.customer_id = c.id AND o.status = 'open')",
    "SELECT name FROM crm.customers c WHERE NOT EXISTS "
    "(SELECT 1 FROM sales.orders WHERE customer_id = c.id AND amount > 280)",
    "SELECT c.name, (SELECT max(o.amount) FROM sales.orders o WHERE o.customer_id = c.id) FROM crm.customers c",
    "SELECT count(*) FROM sales.orders, crm.customers",
    "SELECT count(*) FROM sales.items WHERE order_id > (SELECT avg(id) FROM crm.customers)",
    "WITH o AS (SELECT * FROM sales.orders WHERE amount > 20) "
    "SELECT c.name, sum(o.amount) FROM o JOIN crm.customers c ON o.customer_id = c.id GROUP BY 1",
    "WITH o AS (SELECT customer_id, sum(amount) AS total FROM sales.orders GROUP BY customer_id) "
    "SELECT c.name, o.total FROM o JOIN crm.customers c ON o.customer_id = c.id "
    "WHERE o.customer_id > 5 AND o.total > 100",
    "WITH o AS (SELECT * FROM sales.orders), big AS (SELECT * FROM o WHERE amount > 100) "
    "SELECT a.id, b.id, c.name FROM big a JOIN o b ON a.customer_id = b.customer_id AND b.id < 20 "
    "JOIN crm.customers c ON c.id = a.customer_id",
    "WITH o AS (SELECT * FROM sales.orders) SELECT count(*) FROM o WHERE status = 'open' "
    "UNION ALL SELECT count(*) FROM o WHERE status = 'paid' UNION ALL SELECT count(*) FROM crm.customers",
    "SELECT id FROM sales.orders WHERE id > 190 UNION SELECT id FROM crm.customers WHERE id < 4",
    "SELECT id FROM sales.orders EXCEPT SELECT id FROM crm.customers",
    "SELECT id FROM sales.orders INTERSECT SELECT id FROM crm.customers",
    "SELECT * FROM (SELECT id, status AS s FROM sales.orders UNION ALL "
    "SELECT id, country FROM crm.customers) u WHERE u.id < 7 AND u.s = 'DE'",
    "SELECT * FROM (SELECT id, customer_id AS k FROM sales.orders EXCEPT "
    "SELECT id, orders FROM crm.customers) u WHERE k = 2",
    "SELECT * FROM (SELECT * FROM sales.orders ORDER BY id LIMIT 5) o "
    "JOIN crm.customers c ON c.id = o.customer_id WHERE o.amount > 3",
    "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY id) AS n "
    "FROM sales.orders) o JOIN crm.customers c ON c.id = o.customer_id WHERE o.n = 1 AND o.amount > 10",
    "SELECT * FROM (SELECT DISTINCT status, customer_id FROM sales.orders) o "
    "JOIN crm.customers c ON c.id = o.customer_id WHERE o.status = 'paid'",
    "SELECT * FROM (SELECT DISTINCT ON (customer_id) customer_id, amount, id FROM sales.orders "
    "ORDER BY customer_id, id) o JOIN crm.customers c ON c.id = o.customer_id WHERE o.amount > 20",
    "SELECT a.id, b.id FROM sales.orders a JOIN sales.orders b ON a.customer_id = b.customer_id "
    "JOIN crm.customers c ON c.id = a.customer_id WHERE a.amount > 280 AND b.amount < 20",
    "SELECT sales.items.order_id, crm.items.note FROM sales.items "
    "JOIN crm.items ON sales.items.order_id = crm.items.order_id",
    "SELECT i.*, note FROM sales.items i JOIN crm.items USING (order_id) WHERE quantity = 3",
    "SELECT order_id, product, note FROM sales.items JOIN crm.items USING (order_id) WHERE order_id < 9",
    "SELECT order_id, product, note FROM sales.items NATURAL JOIN crm.items",
    "SELECT order_id, product, note FROM sales.items FULL JOIN crm.items USING (order_id) WHERE order_id = 7",
    "SELECT * FROM sales.items SEMI JOIN crm.items ON sales.items.order_id = crm.items.order_id",
    "SELECT * FROM sales.items i ANTI JOIN crm.items n ON i.order_id = n.order_id AND n.note = 'note 3'",
    "SELECT c.name, o.amount FROM crm.customers c ASOF JOIN sales.orders o "
    "ON c.id = o.customer_id AND c.since >= o.placed - 300 WHERE o.status = 'open'",
    "SELECT c.name, x.total FROM crm.customers c, "
    "LATERAL (SELECT sum(amount) AS total FROM sales.orders o WHERE o.customer_id = c.id) x WHERE x.total > 50",
    "SELECT id AS amount FROM sales.orders WHERE amount > 290 AND id IN (SELECT id * 10 FROM crm.customers)",
    "SELECT o.id, o.placed FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE o.placed BETWEEN '2024-02-01' AND '2024-03-01'",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE o.seen >= TIMESTAMP '2024-01-10 05:00:00' AND o.seen < '2024-02-01' ",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE year(o.placed) = 2024 AND date_trunc('month', o.seen) = DATE '2024-02-01'",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE o.weight > 40 AND NOT o.is_open",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id WHERE o.weight <> 1.75",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE o.placed < CURRENT_DATE - INTERVAL 3 MONTH AND o.seen > now() - INTERVAL '100 years'",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE o.status NOT LIKE 'o%' OR o.status IS NULL",
    "SELECT o.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE (o.amount > 250 OR (o.status = 'open' AND lower(c.name) LIKE '%1%')) AND o.id NOT IN (3, 4)",
    "SELECT o.big, c.id FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id "
    "WHERE o.big = 9007199254740995",
    "SELECT struct_col.a FROM (SELECT {'a': o.id} AS struct_col, o.customer_id FROM sales.orders o) s "
    "JOIN crm.customers c ON c.id = s.customer_id",
    "SELECT o FROM (SELECT id, amount FROM sales.orders) o JOIN crm.customers c ON c.id = o.id",
    "SELECT count(DISTINCT o.status), count(c.country) FROM sales.orders o, crm.customers c",
    "SELECT c.country, o.status, count(*) FROM sales.orders o JOIN crm.customers c "
    "ON c.id = o.customer_id GROUP BY ALL ORDER BY ALL",
    "SELECT * EXCLUDE (big, weight) FROM sales.orders o JOIN crm.customers c ON c.id = o.customer_id",
    "SELECT k, n FROM (SELECT customer_id AS k, count(*) AS n FROM sales.orders GROUP BY ROLLUP (customer_id)) r "
    "LEFT JOIN crm.customers c ON c.id = r.k WHERE k = 3 OR k IS NULL",
    "WITH RECURSIVE t AS (SELECT id, 1 AS depth FROM crm.customers WHERE id < 3 UNION ALL "
    "SELECT t.id + 1, depth + 1 FROM t JOIN sales.orders o ON o.id = t.id WHERE depth < 4) "
    "SELECT id, depth FROM t WHERE depth > 1",
    "SELECT t.a FROM (SELECT id, name FROM crm.customers) AS t(a, b) JOIN sales.orders o ON o.id = t.a",
    "SELECT v.x, c.name FROM (VALUES (1), (2)) v(x) JOIN crm.customers c ON c.id = v.x "
    "JOIN sales.orders o ON o.id = c.id",
    "SELECT customer_id AS id FROM sales.orders o WHERE id = 5 AND EXISTS (SELECT 1 FROM crm.customers WHERE id = 5)",
    "SELECT c.id FROM crm.customers c LEFT JOIN (SELECT * FROM sales.orders WHERE amount > 100) o "
    "ON o.customer_id = c.id WHERE o.id IS NULL",
    "SELECT c.id, o.id FROM crm.customers c LEFT JOIN sales.orders o ON o.customer_id = c.id "
    "LEFT JOIN sales.items i ON i.order_id = o.id AND i.quantity > 8 WHERE o.status IS NULL OR i.quantity > 8",
)
