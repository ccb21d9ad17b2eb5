"""behave's hooks, wired to support.hooks: nothing else happens here."""

from support.hooks import asked, scenario, session

asked.require_the_runner_of_this_suite()

before_all = session.before_all
before_scenario = scenario.before_scenario
after_scenario = scenario.after_scenario
