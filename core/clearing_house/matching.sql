-- Input: sdr, home, hub (sessions), terms, outage; the variable `moment`. Output: pair, candidate, hub_pair, found.
-- `found` has a row a finding: kind, key of the SDR (of the session for D03), other, ours, theirs, hub.

-- What still claims to be paid, but for credits and what a credit has taken back.
CREATE TEMP TABLE claim AS
SELECT s.* FROM sdr s
WHERE s.alive AND s.kind <> 'CREDIT'
  AND NOT EXISTS (
    SELECT 1 FROM sdr c
    WHERE c.alive AND c.kind = 'CREDIT' AND c.issuer = s.issuer AND c.credits_id = s.id
      AND c.amount = -s.amount AND c.currency = s.currency
  );

-- Key 1: the session's id at its operator. Key 2: the reference that the home-CSP gave with its grant.
CREATE TEMP TABLE pair AS
SELECT s.key AS sdr, min(h.key) AS session, 1 AS rule
FROM claim s JOIN home h ON h.issuer = s.issuer AND h.session_id = s.session_id
GROUP BY s.key;

INSERT INTO pair
SELECT s.key, min(h.key), 2
FROM claim s JOIN home h ON h.issuer = s.issuer AND h.reference = s.reference
WHERE NOT EXISTS (SELECT 1 FROM pair p WHERE p.sdr = s.key)
GROUP BY s.key;

-- Key 3: the same EVSE and credential, starts within five minutes; each takes the nearest, if it is the nearest's too.
CREATE TEMP TABLE open_sdr AS SELECT s.* FROM claim s WHERE NOT EXISTS (SELECT 1 FROM pair p WHERE p.sdr = s.key);
CREATE TEMP TABLE open_home AS SELECT h.* FROM home h WHERE NOT EXISTS (SELECT 1 FROM pair p WHERE p.session = h.key);

INSERT INTO pair
WITH near AS (
  SELECT s.key AS sdr, h.key AS session,
    row_number() OVER (PARTITION BY s.key ORDER BY abs(s.started - h.started), h.key) AS of_sdr,
    row_number() OVER (PARTITION BY h.key ORDER BY abs(s.started - h.started), s.key) AS of_session
  FROM open_sdr s JOIN open_home h
    ON h.issuer = s.issuer AND h.evse = s.evse AND h.credential = s.credential
    AND h.started BETWEEN s.started - 300000000 AND s.started + 300000000
)
SELECT sdr, session, 3 FROM near WHERE of_sdr = 1 AND of_session = 1;

-- Key 4: the same EVSE, overlapping times, energy within 2 %: a candidate, which a person confirms.
CREATE TEMP TABLE candidate AS
WITH near AS (
  SELECT s.key AS sdr, h.key AS session,
    row_number() OVER (PARTITION BY s.key ORDER BY abs(s.started - h.started), h.key) AS place
  FROM open_sdr s JOIN open_home h
    ON h.issuer = s.issuer AND h.evse = s.evse
    AND h.started < s.ended AND coalesce(h.ended, h.started + 1) > s.started
    AND abs(h.energy - s.energy) * 50 <= greatest(h.energy, s.energy)
  WHERE NOT EXISTS (SELECT 1 FROM pair p WHERE p.sdr = s.key)
    AND NOT EXISTS (SELECT 1 FROM pair p WHERE p.session = h.key)
)
SELECT sdr, session FROM near WHERE place = 1;

-- The third witness: what the clearing house saw of the session.
CREATE TEMP TABLE hub_pair AS
SELECT s.key AS sdr, min(h.key) AS session
FROM claim s JOIN hub h ON h.issuer = s.issuer AND h.session_id = s.session_id
GROUP BY s.key;

INSERT INTO hub_pair
SELECT s.key, min(h.key)
FROM claim s JOIN hub h ON h.issuer = s.issuer AND h.reference = s.reference
WHERE NOT EXISTS (SELECT 1 FROM hub_pair p WHERE p.sdr = s.key)
GROUP BY s.key;

-- Every SDR that is judged, beside its session, what the hub saw, and the terms of its pair.
CREATE TEMP TABLE beside AS
SELECT s.key, s.issuer, s.payer, s.started, s.ended, s.energy, s.amount, s.currency, s.received,
  h.key AS session, h.payer AS session_payer, h.started AS h_started, h.ended AS h_ended, h.energy AS h_energy,
  h.authorised, h.quoted_most, h.revoked, h.max_power_w,
  u.key AS hub_session, u.started AS u_started, u.ended AS u_ended, u.energy AS u_energy, u.authorised AS u_authorised,
  t.time_tolerance, t.money_tolerance, t.late_after, t.revoked_within, t.currencies,
  greatest(t.energy_tolerance, abs(s.energy) * t.energy_percent / 100) AS energy_tolerance
FROM claim s
LEFT JOIN pair p ON p.sdr = s.key LEFT JOIN home h ON h.key = p.session
LEFT JOIN hub_pair v ON v.sdr = s.key LEFT JOIN hub u ON u.key = v.session
JOIN terms t ON t.issuer = s.issuer AND t.payer = s.payer
WHERE s.judged;

CREATE TEMP TABLE found (
  kind VARCHAR, key VARCHAR, other VARCHAR, ours BIGINT, theirs BIGINT, hub BIGINT
);

-- D01: another SDR stands for the session already.
INSERT INTO found
WITH standing AS (
  SELECT s.key, s.judged,
    first_value(s.key) OVER (
      PARTITION BY s.issuer, coalesce('home ' || p.session, 'own ' || s.session_id) ORDER BY s.received, s.key
    ) AS first
  FROM claim s LEFT JOIN pair p ON p.sdr = s.key
  WHERE p.session IS NOT NULL OR s.session_id IS NOT NULL
)
SELECT 'D01', key, first, NULL, NULL, NULL FROM standing WHERE judged AND key <> first;

-- D02: nobody else knows the session. theirs: whether the hub saw it.
INSERT INTO found
SELECT 'D02', b.key, c.session, NULL, NULL, (b.hub_session IS NOT NULL)::BIGINT
FROM beside b LEFT JOIN candidate c ON c.sdr = b.key
WHERE b.session IS NULL;

-- D03: the home-CSP has a session, granted and ended, and no SDR has come in time.
INSERT INTO found
SELECT 'D03', h.key, NULL, h.ended, t.sdr_within, NULL
FROM home h JOIN terms t ON t.issuer = h.issuer AND t.payer = h.payer
WHERE h.authorised AND h.ended + t.sdr_within < getvariable('moment')
  AND NOT EXISTS (SELECT 1 FROM pair p WHERE p.session = h.key)
  AND NOT EXISTS (SELECT 1 FROM sdr s WHERE s.kind <> 'CREDIT' AND s.issuer = h.issuer AND s.session_id = h.session_id)
  AND NOT EXISTS (SELECT 1 FROM sdr s WHERE s.kind <> 'CREDIT' AND s.issuer = h.issuer AND s.reference = h.reference);

INSERT INTO found
SELECT 'D04', key, NULL, received, ended, NULL FROM beside WHERE received > ended + late_after
UNION ALL
SELECT 'D05', key, session_payer, NULL, NULL, NULL FROM beside WHERE session_payer <> payer
UNION ALL
-- Granted neither by the home-CSP nor, where that one has no record of the session, before the eyes of the hub.
SELECT 'D06', key, coalesce(session, hub_session), NULL, NULL, NULL FROM beside
WHERE NOT authorised OR (session IS NULL AND NOT u_authorised)
UNION ALL
SELECT 'D07', key, session, started, revoked, NULL FROM beside WHERE started > revoked + revoked_within
UNION ALL
SELECT 'D08', key, session, started, h_started, u_started FROM beside WHERE abs(started - h_started) > time_tolerance
UNION ALL
SELECT 'D08', key, session, ended, h_ended, u_ended FROM beside
WHERE abs(ended - h_ended) > time_tolerance AND abs(started - h_started) <= time_tolerance
UNION ALL
SELECT 'D09', key, session, energy, h_energy, u_energy FROM beside WHERE abs(energy - h_energy) > energy_tolerance
UNION ALL
SELECT 'D14', key, session, amount, quoted_most, NULL FROM beside WHERE amount > quoted_most + money_tolerance
UNION ALL
SELECT 'D15', key, NULL, NULL, NULL, NULL FROM beside
WHERE currencies <> '' AND NOT list_contains(string_split(currencies, ' '), currency)
UNION ALL
-- 0.1 Wh of a power in W over microseconds: W * us / 3.6e8.
SELECT 'D17', key, session, energy, max_power_w * (ended - started) // 360000000, NULL FROM beside
WHERE energy > max_power_w * (ended - started) // 360000000 + energy_tolerance
UNION ALL
SELECT 'D17', key, NULL, energy, 0, NULL FROM beside WHERE energy > 0 AND ended <= started
UNION ALL
SELECT 'D20', key, NULL, energy, amount, NULL FROM beside WHERE energy = 0 AND amount > 0;

-- D11: the meter ran backwards within the session, or since the one before it. A gap upwards is others' charging.
INSERT INTO found
SELECT 'D11', key, NULL, meter_end, meter_start, NULL FROM claim WHERE judged AND meter_end < meter_start
UNION ALL
SELECT 'D11', key, before_key, meter_start, before_end, NULL
FROM (
  SELECT key, judged, meter_start,
    lag(meter_end) OVER by_meter AS before_end, lag(key) OVER by_meter AS before_key
  FROM claim WHERE meter_start IS NOT NULL AND meter_end IS NOT NULL AND evse IS NOT NULL
  WINDOW by_meter AS (PARTITION BY issuer, evse ORDER BY started, key)
)
WHERE judged AND meter_start < before_end;

-- D16: another session at the same EVSE, or with the same credential, had not ended. Of duplicates D01 tells already.
CREATE TEMP TABLE single AS
SELECT s.* FROM claim s WHERE NOT EXISTS (SELECT 1 FROM found f WHERE f.kind = 'D01' AND f.key = s.key);

INSERT INTO found
WITH busy AS (
  SELECT key, issuer, payer, judged, started, 'evse' AS what,
    max(ended) OVER earlier AS until, arg_max(key, ended) OVER earlier AS other
  FROM single WHERE evse IS NOT NULL
  WINDOW earlier AS (PARTITION BY issuer, evse ORDER BY started, key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
  UNION ALL
  SELECT key, issuer, payer, judged, started, 'credential',
    max(ended) OVER earlier, arg_max(key, ended) OVER earlier
  FROM single
  WINDOW earlier AS (PARTITION BY credential ORDER BY started, key ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT 'D16', b.key, b.other, b.started, b.until, NULL
FROM busy b JOIN terms t ON t.issuer = b.issuer AND t.payer = b.payer
WHERE b.judged AND b.started < b.until - t.time_tolerance
QUALIFY row_number() OVER (PARTITION BY b.key ORDER BY b.what DESC) = 1;

-- D21: a credit of nothing, of another amount, or of what has been taken back before. other: the first good credit.
INSERT INTO found
WITH credit AS (
  SELECT c.key, c.judged, c.amount, o.key AS original, o.amount AS original_amount,
    c.amount = -o.amount AND c.currency = o.currency AND c.payer = o.payer
      AND c.amount_with_taxes IS NOT DISTINCT FROM -o.amount_with_taxes AS exact,
    first_value(c.key) OVER (PARTITION BY c.issuer, c.credits_id ORDER BY c.received, c.key) AS first
  FROM sdr c LEFT JOIN sdr o ON o.issuer = c.issuer AND o.id = c.credits_id AND o.kind <> 'CREDIT'
  WHERE c.kind = 'CREDIT' AND c.alive
)
SELECT 'D21', key, CASE WHEN original IS NOT NULL AND exact THEN first END, amount, original_amount, NULL
FROM credit WHERE judged AND (original IS NULL OR NOT exact OR key <> first);

-- D22: charged while the EVSE was said to be out of order.
INSERT INTO found
SELECT 'D22', b.key, b.session, max(o.begins), max(o.ends), NULL
FROM beside b JOIN outage o ON o.session = b.session
WHERE b.amount > 0 AND least(b.ended, o.ends) - greatest(b.started, o.begins) > b.time_tolerance
GROUP BY b.key, b.session;
