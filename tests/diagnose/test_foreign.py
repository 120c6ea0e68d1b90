"""Losses that other programs wrote are read by the names that people give them."""

from __future__ import annotations

import pytest

from ganworks.diagnose.foreign import read_losses
from ganworks.errors import UserError


@pytest.mark.parametrize(("head", "keys"), [
    ("step,d_loss,g_loss", {"critic/adversarial", "generator/adversarial"}),
    ("Iteration, Loss_D, Loss_G, D(x), D(G(z1))", {"critic/adversarial", "generator/adversarial", "score/on_real",
                                                    "score/on_fake"}),
    ("epoch,Discriminator Loss,Generator Loss", {"critic/adversarial", "generator/adversarial"}),
    ("step,critic-loss,real_score,fake_score", {"critic/adversarial", "score/on_real", "score/on_fake"}),
])
def test_columns_are_known_by_many_names(tmp_path, head, keys) -> None:
    path = tmp_path / "losses.csv"
    path.write_text(head + "\n" + "\n".join(",".join(str(i * 10 + c) for c in range(len(head.split(","))))
                                            for i in range(1, 4)))
    records, told = read_losses(path)
    assert [record["step"] for record in records] == [10, 20, 30]
    assert set(records[0]) - {"step"} == keys
    assert bool(told) == (len(keys) < 4)
    for finding in told:
        assert ("d_fake" in finding.title) == ("score/on_fake" not in keys)


def test_what_is_no_number_is_left_out_and_rows_are_counted(tmp_path) -> None:
    path = tmp_path / "losses.csv"
    path.write_text("\ufeffd_loss,g_loss\n1.5,nan\noops,2\n3\n", encoding="utf-8")
    assert read_losses(path)[0] == [{"step": 1, "critic/adversarial": 1.5}, {"step": 2, "generator/adversarial": 2.0},
                                    {"step": 3, "critic/adversarial": 3.0}]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "step\n1\n"])
def test_a_log_without_losses_is_refused_with_what_is_wanted(tmp_path, text) -> None:
    path = tmp_path / "losses.csv"
    path.write_text(text)
    with pytest.raises(UserError, match="d_loss"):
        read_losses(path)
    with pytest.raises(UserError, match="No such file"):
        read_losses(tmp_path / "none.csv")
