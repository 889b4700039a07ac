"""What a bureau tells its connector: where it may say so, what goes first, and what can't be right."""

from pathlib import Path

import pytest

from fabroute.bureau.settings import AcceptancePolicy, BureauMisconfigured, PrinterAccess, load_settings

FILE = """
url = "https://file.example/"
key = "key-of-file"
node = "N1"
folder = "~/jobs"
script = ["slice.sh", "--draft"]
cancellations = "agree_unstarted"
public_keys = ["a=", "b="]

[accept]
materials = ["PA12", "TPU"]
max_open = 4

[printer]
kind = "prusalink"
url = "http://printer.lan"
password = "secret"
"""
NEEDED = {"url": "https://x", "key": "k", "node": "N1", "folder": "f"}


def told_by(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bureau.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_can_say_everything(tmp_path: Path) -> None:
    settings = load_settings(flags={}, environment={}, config=told_by(tmp_path, FILE))
    assert (settings.url, settings.key, settings.node) == ("https://file.example", "key-of-file", "N1")
    assert settings.folder == Path.home().resolve() / "jobs"
    assert settings.policy == AcceptancePolicy(materials=frozenset({"PA12", "TPU"}), max_open=4)
    assert settings.script == ("slice.sh", "--draft")
    assert settings.printer == PrinterAccess(kind="prusalink", url="http://printer.lan", password="secret")
    assert (settings.cancellations, settings.public_keys) == ("agree_unstarted", ("a=", "b="))
    assert (settings.wait_seconds, settings.watch_seconds, settings.offline_hours) == (20, 30, 0)


def test_a_flag_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    environment = {"FABROUTE_NODE": "N2", "FABROUTE_API_KEY": "key-of-environment"}
    flags = {"node": "N3", "materials": ["PLA"], "max_open": None}
    settings = load_settings(flags=flags, environment=environment, config=told_by(tmp_path, FILE))
    assert (settings.node, settings.key, settings.url) == ("N3", "key-of-environment", "https://file.example")
    assert settings.policy == AcceptancePolicy(materials=frozenset({"PLA"}), max_open=4)


@pytest.mark.parametrize("name", ["url", "key", "node", "folder"])
def test_what_is_missing_is_named_with_all_places_where_it_may_stand(name: str) -> None:
    flags = NEEDED | {name: None}
    with pytest.raises(BureauMisconfigured, match=rf"^{name} is needed: give --{name}, set FABROUTE_\w+, or write"):
        load_settings(flags=flags, environment={}, config=None)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"max_open": 0}, "max_open is a whole number from 1 to 1000"),
        ({"wait_seconds": 26}, "wait_seconds is a whole number from 0 to 25"),
        ({"offline_hours": True}, "offline_hours is a whole number from 0 to 720"),
        ({"cancellations": "always"}, "cancellations is one of ask, agree_unstarted"),
        ({"materials": [1]}, "are lists of words"),
        ({"printer": {"kind": "laser", "url": "http://x"}}, "needs a kind"),
        ({"printer": {"kind": "octoprint"}}, "needs a kind"),
        ({"printer": {"kind": "octoprint", "url": "http://x", "pin": "1"}}, "knows no pin"),
    ],
)
def test_what_can_not_be_right_is_said(wrong: dict[str, object], words: str) -> None:
    with pytest.raises(BureauMisconfigured) as refusal:
        load_settings(flags=NEEDED | wrong, environment={}, config=None)
    assert words in refusal.value.message
    assert refusal.value.status == 422


def test_a_file_that_is_not_there_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(BureauMisconfigured, match="No such file"):
        load_settings(flags=NEEDED, environment={}, config=tmp_path / "gone.toml")
    with pytest.raises(BureauMisconfigured, match="is no TOML"):
        load_settings(flags=NEEDED, environment={}, config=told_by(tmp_path, "url = "))


def test_one_word_is_a_script() -> None:
    assert load_settings(flags=NEEDED | {"script": "slice.sh"}, environment={}, config=None).script == ("slice.sh",)
    assert load_settings(flags=NEEDED | {"script": ""}, environment={}, config=None).script == ()
