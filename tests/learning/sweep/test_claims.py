"""Every trial is worked on by one process at a time, and none is lost, repeated or left for ever."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState

from tests.learning.sweep.conftest import claiming, sweep_config
from twinlens.errors import RunError, TrainingError
from twinlens.learning.sweep import claim as claim_module
from twinlens.learning.sweep import claims as claims_module
from twinlens.learning.sweep.claim import Claim, TakenOverError
from twinlens.learning.sweep.claims import Claims
from twinlens.learning.sweep.space import suggest

CONFIG = sweep_config()


def work(claims: Claims, value: float = 1.0) -> list[int]:
    """Finish all that there is to do; the numbers of the trials."""
    done = []
    while claim := claims.next():
        with claim:
            suggest(claim.trial, CONFIG.vary)
            claim.end(value)
        done.append(claim.number)
    return done


def die(claim: Claim) -> None:
    """What happens when the process is killed: the system opens its lock."""
    claim._lock.close()


def test_trials_are_given_out_one_after_the_other(tmp_path: Path) -> None:
    with claiming(tmp_path, CONFIG) as claims:
        assert [trial.state for trial in claims.trials()] == [TrialState.WAITING] * 4
        assert work(claims) == [1, 2, 3, 4]
        assert claims.next() is None


def test_first_trial_is_the_recipe_and_the_others_are_not(tmp_path: Path) -> None:
    config = sweep_config(vary={"optimiser.learning_rate": "1e-5..1e-1:log", "network.dense": [16, 32]})
    with claiming(tmp_path, config) as claims:
        drawn = []
        while claim := claims.next():
            with claim:
                drawn.append(suggest(claim.trial, config.vary))
                claim.end(1.0)
    own = config.own_values()
    assert own
    assert [values == own for values in drawn] == [True, False, False, False]


def test_interrupted_search_draws_what_an_uninterrupted_one_does(tmp_path: Path) -> None:
    def draw(folder: Path, *, anew: bool) -> list[dict[str, Any]]:
        drawn: list[dict[str, Any]] = []
        config = sweep_config(trials=6, sampler={"kind": "tpe", "startup": 2})
        for _ in range(6 if anew else 1):
            with claiming(folder, config) as claims:
                while claim := claims.next():
                    with claim:
                        drawn.append(suggest(claim.trial, config.vary))
                        claim.end(drawn[-1]["optimiser.learning_rate"])
                    if anew:
                        break
        return drawn

    whole = draw(tmp_path / "whole", anew=False)
    assert draw(tmp_path / "parts", anew=True) == whole
    assert len({values["optimiser.learning_rate"] for values in whole}) == 6


def test_two_at_once_never_get_the_same(tmp_path: Path) -> None:
    config = sweep_config(trials=12)
    done: list[list[int]] = [[], []]

    def take_part(mine: list[int]) -> None:
        with claiming(tmp_path, config) as claims:
            while claim := claims.next():
                with claim:
                    suggest(claim.trial, config.vary)
                    time.sleep(0.02)
                    claim.end(1.0)
                mine.append(claim.number)

    threads = [threading.Thread(target=take_part, args=(mine,)) for mine in done]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done[0] + done[1]) == list(range(1, 13))
    assert done[0]
    assert done[1]


def test_trial_of_a_dead_process_is_taken_up_at_once_and_before_any_new_one(tmp_path: Path) -> None:
    with claiming(tmp_path, CONFIG) as claims:
        first, second = claims.next(), claims.next()
        assert first
        assert second
        values = suggest(second.trial, CONFIG.vary)
        second.trial.report(0.7, 1)
        second.trial.report(0.6, 2)
        die(second)
        with claiming(tmp_path, CONFIG) as others:
            again = others.next()
            assert again
            assert (again.number, again.after) == (2, 2)
            assert suggest(again.trial, CONFIG.vary) == values
            with pytest.raises(TakenOverError):
                second.refuse_takeover()
            again.refuse_takeover()
            third = others.next()
            assert third
            assert third.number == 3
            for claim in (first, again, third):
                die(claim)


def test_who_waits_for_the_others_gets_what_they_leave(tmp_path: Path) -> None:
    config, log = sweep_config(trials=1), tmp_path / "log.txt"
    with claiming(tmp_path, config) as claims:
        claim = claims.next()
        assert claim
        done: list[int] = []

        def wait() -> None:
            with claiming(tmp_path, config) as others:
                done.extend(work(others))

        waiting = threading.Thread(target=wait)
        waiting.start()
        while not (log.is_file() and "waiting for trials that other processes work on: 1" in log.read_text()):
            time.sleep(0.02)
        assert done == []
        die(claim)
        waiting.join()
        assert done == [1]
        assert claims.next() is None


def test_trial_that_kills_its_processes_is_given_up(tmp_path: Path) -> None:
    config = sweep_config(trials=2)
    with claiming(tmp_path, config) as claims:
        for after in (0, 0, 1, 1, 1):  # it got somewhere in between
            claim = claims.next()
            assert claim
            assert (claim.number, claim.after) == (1, after and 1)
            suggest(claim.trial, config.vary)
            if after == 0 and claims.trials()[0].user_attrs["starts"] == [0, 0]:
                claim.trial.report(0.7, 1)
            die(claim)
        assert work(claims) == [2]
        given_up = claims.trials()[0]
        assert given_up.state.is_finished()
        assert given_up.user_attrs["reason"] == "3 processes have died before they finished epoch 2"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TrainingError("The disk is full.")])
def test_process_that_ends_in_order_has_not_died(tmp_path: Path, error: BaseException) -> None:
    with claiming(tmp_path, CONFIG) as claims:
        for _ in range(5):
            claim = claims.next()
            assert claim
            with pytest.raises(type(error)), claim:
                raise error
        assert claims.trials()[0].user_attrs["starts"] == []
        assert work(claims) == [1, 2, 3, 4]


def test_failed_trial_is_no_good_one_to_the_sampler_and_is_not_tried_again(tmp_path: Path) -> None:
    with claiming(tmp_path, CONFIG) as claims:
        claim = claims.next()
        assert claim
        with claim:
            suggest(claim.trial, CONFIG.vary)
            claim.end(reason="It diverged.")
        assert work(claims) == [2, 3, 4]
        failed = claims.trials()[0]
        assert (failed.state, failed.value) == (TrialState.PRUNED, None)


def test_sweep_may_get_more_trials(tmp_path: Path) -> None:
    with claiming(tmp_path, CONFIG) as claims:
        assert work(claims) == [1, 2, 3, 4]
    with claiming(tmp_path, sweep_config(trials=6)) as claims:
        assert work(claims) == [5, 6]
    with claiming(tmp_path, CONFIG) as claims:  # who asked for four sees four
        assert len(claims.trials()) == 4


class TestSeveralMachines:
    """They share a database and no folder."""

    @pytest.fixture
    def storage(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setattr(claims_module, "_SILENCE", 0.5)
        monkeypatch.setattr(claim_module, "_BEAT", 0.1)
        return f"sqlite:///{tmp_path / 'shared.db'}"

    def test_silent_process_is_taken_for_dead_and_a_living_one_is_not(self, tmp_path: Path, storage: str) -> None:
        config = sweep_config(trials=2)
        with (
            claiming(tmp_path / "a", config, storage=storage) as here,
            claiming(tmp_path / "b", config, storage=storage) as there,
        ):
            living, dead = here.next(), here.next()
            assert living
            assert dead
            with living:
                again = there.next()
                assert again
                assert again.number == dead.number == 2
                with pytest.raises(TakenOverError):
                    dead.end(0.5)
                with again:
                    again.end(0.7)
                living.end(0.6)
            die(dead)
            assert [trial.value for trial in there.trials()] == [0.6, 0.7]
            assert there.next() is None

    def test_database_that_is_known_must_be_joined(self, tmp_path: Path, storage: str) -> None:
        with claiming(tmp_path / "a", CONFIG, storage=storage, resume=False):
            pass
        with (
            pytest.raises(RunError, match="holds a sweep small already"),
            claiming(tmp_path / "b", CONFIG, storage=storage, resume=False),
        ):
            pass

    def test_other_question_and_other_photos_are_refused(self, tmp_path: Path, storage: str) -> None:
        with claiming(tmp_path / "a", CONFIG, storage=storage):
            pass
        with (
            pytest.raises(RunError, match="epochs is null there and 3 here"),
            claiming(tmp_path / "b", sweep_config(epochs=3), storage=storage),
        ):
            pass
        with (
            pytest.raises(RunError, match="other photos or pairs"),
            claiming(tmp_path / "c", CONFIG, storage=storage, material="other"),
        ):
            pass


@pytest.mark.parametrize(
    ("storage", "complaint"),
    [
        ("nonsense", "no address of a database"),
        ("sqlite:////nowhere/at/all.db", "cannot be used"),
        ("mysql://host/name", "driver of this database is not installed"),
    ],
)
def test_database_that_cannot_be_had_is_said(tmp_path: Path, storage: str, complaint: str) -> None:
    with pytest.raises(Exception, match=complaint) as caught, claiming(tmp_path, CONFIG, storage=storage):
        pass
    assert caught.type.__module__ == "twinlens.errors"


@pytest.mark.parametrize("name", ["plain", "what?", "{braces}", "100 %", "größer#1"])
def test_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    with claiming(tmp_path / name, CONFIG) as claims:
        assert len(claims.trials()) == 4
    assert (tmp_path / name / "trials.db").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [name]
