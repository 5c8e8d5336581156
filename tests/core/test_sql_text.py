"""Columns and tables are found in SQL as it is parsed, not as it is spelt."""

from core.sql_text import Step, columns_in, quoted


def test_columns_are_named_once_in_the_order_of_reading() -> None:
    assert columns_in("case when late_28 > 0 then late_28 / nullif(ordered_28, 0) end") == ("late_28", "ordered_28")


def test_words_that_only_look_like_columns_are_none() -> None:
    assert columns_in("cast(coalesce(late_28, 0) as double)") == ("late_28",)
    assert columns_in("case when fault = 'late_28' then 1 end") == ("fault",)


def test_a_step_reads_the_tables_that_it_does_not_make_itself() -> None:
    query = "with late as (select * from orders) select * from late join (select * from sellers) as s using (seller_id)"
    step = Step("late_orders", query, view=True)
    assert step.inputs == ("orders", "sellers")
    assert step.sql == f"create or replace view late_orders as {query}"


def test_a_quote_in_a_text_is_doubled() -> None:
    assert quoted("O'Hara") == "'O''Hara'"
