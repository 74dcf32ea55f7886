"""The deployment workflow: prod comes last and after an approval, and no key is stored."""

from pathlib import Path

import yaml  # type: ignore[import-untyped]

WORKFLOWS = Path(__file__).parents[2] / ".github/workflows"


def test_dev_comes_first_then_the_difference_and_prod_in_its_own_environment() -> None:
    jobs = yaml.safe_load((WORKFLOWS / "deploy.yml").read_text())["jobs"]

    assert jobs["prod-diff"]["needs"] == "dev"
    assert jobs["prod"]["needs"] == "prod-diff"
    assert {name: job["with"] for name, job in jobs.items()} == {
        "dev": {"stage": "dev", "environment": "dev", "deploy": True},
        "prod-diff": {"stage": "prod", "environment": "prod-diff", "deploy": False},
        "prod": {"stage": "prod", "environment": "prod", "deploy": True},
    }


def test_a_job_may_read_the_repository_and_ask_for_a_token_and_nothing_else() -> None:
    needed = {"contents": "read", "id-token": "write"}
    text = (WORKFLOWS / "deploy-stage.yml").read_text()
    stage = yaml.safe_load(text)

    assert stage["permissions"] == needed
    assert [job["permissions"] for job in yaml.safe_load((WORKFLOWS / "deploy.yml").read_text())["jobs"].values()] == (
        [needed] * 3
    )
    assert "secrets." not in text
    steps = stage["jobs"]["stage"]["steps"]
    assert [step["run"].split(" STAGE")[0] for step in steps if step.get("run", "").startswith("make")] == [
        "make infra",
        "make diff",
        "make deploy",
    ]
    assert [step.get("if") for step in steps if step.get("run", "").startswith("make deploy")] == ["inputs.deploy"]
