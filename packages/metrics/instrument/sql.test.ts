import { expect, setDefaultTimeout, test } from 'bun:test'
import { wholeNumbersFrom } from '../testing.ts'
import { describe } from './sql.ts'

/** Thousands of statements, on a machine that may be busy. */
setDefaultTimeout(120_000)

test.each([
  ['INSERT INTO dogs SELECT $$a$$', 'INSERT', 'dogs'],
  // Plain statements
  ['SELECT id FROM dogs WHERE id = ?', 'SELECT', 'dogs'],
  [' insert INTO "cats" (a) VALUES (1)', 'INSERT', 'cats'],
  ['INSERT INTO dogs(a) VALUES (1)', 'INSERT', 'dogs'],
  ['INSERT OR REPLACE INTO dogs DEFAULT VALUES', 'INSERT', 'dogs'],
  ['REPLACE INTO dogs VALUES (1)', 'REPLACE', 'dogs'],
  ['UPDATE dogs SET a = 1', 'UPDATE', 'dogs'],
  ['UPDATE OR IGNORE dogs SET a = 1', 'UPDATE', 'dogs'],
  ['UPDATE ONLY dogs AS d SET a = 1', 'UPDATE', 'dogs'],
  ['DELETE FROM dogs', 'DELETE', 'dogs'],
  ['DELETE FROM ONLY dogs WHERE a', 'DELETE', 'dogs'],
  ['MERGE INTO dogs USING cats ON true WHEN MATCHED THEN DELETE', 'MERGE', 'dogs'],
  ['TRUNCATE TABLE dogs, cats', 'TRUNCATE', 'dogs'],
  ['TRUNCATE dogs', 'TRUNCATE', 'dogs'],
  ['COPY dogs FROM STDIN', 'COPY', 'dogs'],
  ['CREATE TABLE IF NOT EXISTS dogs (id int)', 'CREATE', 'dogs'],
  ['CREATE TEMP TABLE dogs AS SELECT * FROM cats', 'CREATE', 'dogs'],
  ['ALTER TABLE dogs ADD a int', 'ALTER', 'dogs'],
  ['DROP TABLE IF EXISTS dogs;', 'DROP', 'dogs'],
  ['PRAGMA data_version', 'PRAGMA', 'data_version'],
  ['PRAGMA main.journal_mode = WAL', 'PRAGMA', 'main.journal_mode'],
  ['PRAGMA table_info(dogs)', 'PRAGMA', 'table_info'],
  // Names
  ['SELECT * FROM main.dogs', 'SELECT', 'main.dogs'],
  ['UPDATE public.users SET a = 1', 'UPDATE', 'public.users'],
  ['SELECT * FROM "public"."users" u', 'SELECT', 'public.users'],
  ['SELECT * FROM a . b . c', 'SELECT', 'a.b.c'],
  ['SELECT * FROM "my dogs"', 'SELECT', 'my dogs'],
  ['SELECT * FROM [my dogs] WHERE a', 'SELECT', 'my dogs'],
  ['SELECT * FROM main.[my dogs]', 'SELECT', 'main.my dogs'],
  ['SELECT * FROM `my dogs`', 'SELECT', 'my dogs'],
  ['SELECT * FROM "a ""b"" FROM c"', 'SELECT', 'a "b" FROM c'],
  ['SELECT * FROM "select"', 'SELECT', 'select'],
  ['SELECT * FROM hündchen$1', 'SELECT', 'hündchen$1'],
  ['SELECT "from"."x" FROM dogs', 'SELECT', 'dogs'],
  ['SELECT ARRAY[1, 2], a[1] FROM dogs', 'SELECT', 'dogs'],
  // Comments and strings
  ['-- FROM a\nSELECT 1 FROM dogs -- FROM b', 'SELECT', 'dogs'],
  ['/* trace: FROM a */ SELECT /* FROM b */ 1 FROM/**/dogs', 'SELECT', 'dogs'],
  ['/* a /* b */ FROM c */ SELECT 1 FROM dogs', 'SELECT', 'dogs'],
  ['/* a /* b */ SELECT 1 FROM dogs', 'SELECT', 'dogs'],
  ["SELECT 'x from y' FROM dogs", 'SELECT', 'dogs'],
  ["SELECT 'it''s from y' FROM dogs", 'SELECT', 'dogs'],
  ["SELECT '\\' FROM dogs", 'SELECT', 'dogs'],
  ["SELECT E'\\' FROM y' FROM dogs", 'SELECT', 'dogs'],
  ['SELECT $$ FROM y $$, $tag$ $$ FROM z $tag$ FROM dogs', 'SELECT', 'dogs'],
  ["SELECT '/*' FROM dogs", 'SELECT', 'dogs'],
  ["INSERT INTO dogs VALUES (' INTO cats ')", 'INSERT', 'dogs'],
  // Nested queries
  ['SELECT (SELECT 1 FROM a) FROM dogs', 'SELECT', 'dogs'],
  ['SELECT EXTRACT(year FROM born) FROM dogs', 'SELECT', 'dogs'],
  ['SELECT a IS NOT DISTINCT FROM b, c IS DISTINCT FROM d FROM dogs', 'SELECT', 'dogs'],
  ['SELECT (a)&"b" FROM dogs', 'SELECT', 'dogs'],
  ['SELECT DISTINCT a FROM dogs', 'SELECT', 'dogs'],
  ['SELECT * FROM dogs JOIN cats USING (id)', 'SELECT', 'dogs'],
  ['SELECT * FROM dogs, cats', 'SELECT', 'dogs'],
  ['(SELECT 1 FROM dogs) UNION (SELECT 1 FROM cats)', 'SELECT', 'dogs'],
  ['INSERT INTO dogs SELECT * FROM cats', 'INSERT', 'dogs'],
  ['UPDATE dogs SET a = (SELECT 1 FROM cats)', 'UPDATE', 'dogs'],
  ['WITH old AS (SELECT * FROM cats) SELECT * FROM dogs', 'SELECT', 'dogs'],
  ['WITH RECURSIVE old(a) AS (SELECT 1) INSERT INTO dogs SELECT * FROM old', 'INSERT', 'dogs'],
  ['WITH old AS (SELECT * FROM cats) DELETE FROM dogs', 'DELETE', 'dogs'],
  ['EXPLAIN QUERY PLAN SELECT * FROM dogs', 'EXPLAIN', 'dogs'],
  // Other statements have no table, or none that can be told for certain
  ['WITH old AS (SELECT * FROM cats) SELECT * FROM old', 'SELECT', ''],
  ['SELECT 1', 'SELECT', ''],
  ['SELECT (SELECT 1 FROM dogs)', 'SELECT', ''],
  ['SELECT * FROM (SELECT * FROM dogs) AS d', 'SELECT', ''],
  ['SELECT * FROM json_each(?)', 'SELECT', ''],
  ['SELECT * FROM pg_catalog.generate_series(1, 10)', 'SELECT', ''],
  ['SELECT * FROM ROWS FROM (f())', 'SELECT', ''],
  ['SELECT * FROM LATERAL (SELECT 1)', 'SELECT', ''],
  ['SELECT * FROM ?', 'SELECT', ''],
  ['SELECT * FROM U&"d\\0061ta"', 'SELECT', ''],
  ['VALUES (1), (2)', 'VALUES', ''],
  ['VACUUM', 'VACUUM', ''],
  ['BEGIN IMMEDIATE', 'BEGIN', ''],
  ['CREATE INDEX i ON dogs (a)', 'CREATE', ''],
  ["SELECT 'FROM dogs", 'SELECT', ''],
  ['SELECT 1 FROM dogs /* a', 'SELECT', ''],
  ['SELECT "a FROM dogs', 'SELECT', ''],
  ['SELECT $$ FROM dogs', 'SELECT', ''],
  ['UPDATE', 'UPDATE', ''],
  ['DELETE FROM', 'DELETE', ''],
  ['SELECT 1; DELETE FROM dogs', 'SELECT', ''],
  ['', '', ''],
  ['-- nothing', '', ''],
  ['?', '', ''],
  ['42', '', ''],
])('%s is %s on %s', (sql, operation, collection) => {
  expect(describe(sql)).toEqual([operation, collection])
})

const SEED = Number(Bun.env.SQL_SEED ?? 5)
test(`random text is never an error, and names a table of the text or none (seed ${SEED})`, () => {
  const random = wholeNumbersFrom(SEED)
  const pieces =
    'SELECT|FROM|dogs|"my dogs"|.|,|(|)|\'|"|`|[|]|--|\n|/*|*/|$$|$a$|;|INTO|UPDATE|WITH|AS|?|U&|E|::|IS|DISTINCT|é|\\|x'.split(
      '|',
    )
  for (let round = 0; round < 20_000; round++) {
    const sql = Array.from({ length: 1 + random(12) }, () => pieces[random(pieces.length)]!).join(
      random(2) === 0 ? ' ' : '',
    )
    const [operation, collection] = describe(sql)
    expect(sql.toUpperCase(), JSON.stringify(sql)).toContain(operation)
    for (const part of collection.split('.')) expect(sql, JSON.stringify(sql)).toContain(part)
  }
})
