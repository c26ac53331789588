"""Many small tables in one job."""

from __future__ import annotations

from end_to_end_pipe import Pipe, rows_of

NAMES = [f"table_{number:03d}" for number in range(1, 201)]


def test_two_hundred_tables_arrive_in_one_job(pipe: Pipe) -> None:
    """A database of an application has hundreds of tables; each has to arrive as itself, in one run."""
    pipe.sql(
        ";".join(
            f"CREATE TABLE {name} (id int PRIMARY KEY, name text, amount numeric(8,2));"
            f"INSERT INTO {name} SELECT n, '{name} ' || n, n * {number} / 100.0 FROM generate_series(1, {number}) n"
            for number, name in enumerate(NAMES, 1)
        )
    )
    job = pipe.succeed(pipe.connect(), seconds=240)
    assert sorted(progress.name.name for progress in job.streams) == NAMES
    found = {name: rows_of(pipe.read(keys)) for (_, name), keys in pipe.keys_by_stream().items()}
    assert found == {name: pipe.rows(f"SELECT * FROM {name}") for name in NAMES}
    assert job.total.rows_committed == sum(range(1, 201))
    manifests = [key for key in pipe.all_keys() if "/_towpath/manifests/" in key]
    assert len(manifests) == 200
