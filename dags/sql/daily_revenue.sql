-- One row for each day; running it again for the same day gives the same row.
REPLACE INTO revenue (day, cents)
SELECT day, SUM(cents) FROM orders WHERE day = '{{ ti.xcom_pull("day_of_run") }}' GROUP BY day;
