"""What of a configuration may leave the study's folder."""

from themeloom.history.private import public_config


def test_folders_names_and_passwords_stay_at_home(tmp_path):
    root, elsewhere = tmp_path / "study", tmp_path / "elsewhere"
    config = {
        "sources": [{"path": str(root / "messages.csv")}, {"path": str(elsewhere / "more.csv")}],
        "encoder": {"name": str(elsewhere / "encoder")},
        "anonymise": {"mask": ["Ann", "Ben"]},
        "tracking": {"uri": "postgresql://me:hunter2@store.example/runs"},
    }
    shown = public_config(config, root)
    assert [source["path"] for source in shown["sources"]] == ["messages.csv", "more.csv"]
    assert shown["encoder"]["name"] == "encoder"
    assert shown["anonymise"]["mask"] == ["withheld"] * 2
    assert "hunter2" not in shown["tracking"]["uri"]
    assert config["anonymise"]["mask"] == ["Ann", "Ben"]


def test_what_is_not_there_is_not_asked_for(tmp_path):
    assert public_config({"reduce": {"neighbors": 5}}, tmp_path) == {"reduce": {"neighbors": 5}}
