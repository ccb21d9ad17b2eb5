@RS
Feature: Open investigations survive an outage
  As somebody who looks at the fibre I do not want to lose my picture
  because something is away for a while
  that my investigation does not need at the moment.

  Rule: Investigations that are open when an outage begins are still running after it

    @RS-08a @REQ_PZ-14719 @disruptive @needs_mongodb
    Example: A live investigation outlives an outage of MongoDB
      Given an open investigation whose job is running
      And MongoDB is stopped
      When MongoDB is back
      Then its job has run all the time

    @RS-08b @REQ_PZ-14721 @disruptive @needs_mongodb
    Example: A historic investigation outlives an outage of MongoDB
      Given an open historic investigation whose job is running
      And MongoDB is stopped
      When MongoDB is back
      Then its job has run all the time

    @RS-08c @REQ_PZ-14722 @disruptive @needs_kubernetes
    Example: A live investigation outlives an outage of RabbitMQ
      Given an open investigation whose job is running
      And RabbitMQ is stopped
      When RabbitMQ is back
      Then its job has run all the time
