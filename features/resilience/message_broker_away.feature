@RS
Feature: The site works without its message broker, and finds it again
  As the operator of a site I know that RabbitMQ crashes some day, or is stopped.
  I expect the server to go on with all that needs no messages,
  and the broker to let the product in as soon as it is back.

  Rule: A message broker that has crashed works again within its deadlines

    @RS-05e @REQ_PZ-14721 @disruptive @needs_rabbitmq
    Example: It lets the product in again, and open investigations outlive the crash
      Given a message broker that has started
      And an open investigation whose job is running
      When RabbitMQ crashes
      Then it is replaced within its deadlines
      And the broker lets the product in again within its deadline
      And the exchange of the product is there
      And its job has run all the time

  Rule: While RabbitMQ is away, live requests neither hang nor crash the server

    @RS-02d @REQ_PZ-13768 @REQ_PZ-14723 @REQ_PZ-14724 @disruptive @needs_kubernetes
    Example: A live investigation is asked for while RabbitMQ is stopped
      Given RabbitMQ is stopped
      When a client asks for a live investigation
      Then it is answered in time, and not with a failure of the server
      And the server was not started again
